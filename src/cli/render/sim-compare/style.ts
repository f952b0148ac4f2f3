import { SIM_STYLE } from '../sim-page/style.ts';

/** Of the base, quiet, and of the variants, on the ground of each theme. Scenarios have letters, dashes and marks besides. */
export const SCENARIO_INKS = {
  light: ['#4d5664', '#1f5fa8', '#b04a06', '#0b7262', '#7a4fa0', '#a11a2b'],
  dark: ['#aeb7c4', '#7db8f0', '#f0a566', '#63cdb8', '#c9a8ea', '#ff8a94'],
} as const;
const DASHES = ['', '', '7 4', '2 4', '10 3 2 3', '4 2'] as const;

const variables = (theme: keyof typeof SCENARIO_INKS) =>
  SCENARIO_INKS[theme].map((ink, index) => `--s${index}:${ink}`).join(';');

export const COMPARE_STYLE = `${SIM_STYLE}
:root{${variables('light')}}
@media screen and (prefers-color-scheme:dark){:root{${variables('dark')}}}
${DASHES.map((dash, index) => `.s${index}{--ink:var(--s${index})}${dash === '' ? '' : `.s${index} .trace{stroke-dasharray:${dash}}`}`).join('\n')}
.swatch.letter{background:var(--ink,var(--panel));color:var(--ground)}
.swatch.letter.other-ink{color:var(--text)}
svg .trace{stroke:var(--ink);fill:none;stroke-width:2}
svg .thin{stroke:var(--ink);stroke-width:1.5;fill:none}
svg .full{fill:var(--ink);stroke:var(--ink);stroke-width:2}
svg .open{fill:var(--ground);stroke:var(--ink);stroke-width:2}
svg .spread,svg .left-over{fill:var(--ink);opacity:.28}
svg .whisker{stroke:var(--text);stroke-width:1.2;fill:none}
svg .band{fill:var(--ink);opacity:.2}
svg .band.faint{opacity:.1}
svg text.named{fill:var(--ink);font-weight:600}
.scenarios{list-style:none;padding:0}
.scenarios li{margin:.3em 0;overflow-wrap:anywhere}
.search{display:flex;flex-wrap:wrap;gap:6px 18px;align-items:center;margin:.8em 0}
.search[hidden]{display:none}
input[type=search]{font:inherit;color:var(--text);background:var(--ground);border:1px solid var(--lesser);border-radius:6px;padding:4px 10px;min-height:32px;min-width:min(20em,100%)}
input:focus-visible{outline:2px solid var(--chosen);outline-offset:2px}
tr.topic th{font-weight:600;padding-top:1em}
tbody th.measure{white-space:normal;width:40%;min-width:11em}
td.range{white-space:normal;min-width:12em}
td.clear{color:var(--chosen);font-weight:600}
summary{font-weight:600}
@media print{#measures table{font-size:.75rem}td.range{min-width:0}tbody th.measure{min-width:0}}
`;
