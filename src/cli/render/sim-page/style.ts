import type { TimelineState } from '../../../twin/report.ts';
import { BLACK, type Ink, STYLE, WHITE } from '../page-style.ts';

/** Where device time goes, in the order in which it is stacked. Idle is that of the theme: as quiet as the ground it lies on. */
export const LAYER_INKS = {
  productive: { fill: '#1f5fa8', text: WHITE },
  unfinished: { fill: '#a9cdee', text: BLACK },
  overhead: { fill: '#e0a030', text: BLACK },
  lost: { fill: '#b04a06', text: WHITE },
  idle: { fill: 'var(--idle)', text: 'var(--text)' },
  drained: { fill: '#7a4fa0', text: WHITE },
  down: { fill: '#646b78', text: WHITE },
} as const satisfies Record<string, Ink>;

/** The larger the job the darker; out of service in hues of their own. */
export const STATE_INKS: Readonly<Record<TimelineState, Ink>> = {
  idle: { fill: 'var(--idle)', text: 'var(--text)' },
  down: { fill: '#e0244c', text: WHITE },
  drained: { fill: '#e0a030', text: BLACK },
  '1-8': { fill: '#b5d8cf', text: BLACK },
  '9-64': { fill: '#79b8d6', text: BLACK },
  '65-255': { fill: '#4287c6', text: BLACK },
  '256-1023': { fill: '#2559a6', text: WHITE },
  '1024+': { fill: '#122a6b', text: WHITE },
};

/** Of `idle`, by theme. */
export const IDLE_FILLS = { light: '#e3e7ed', dark: '#2b333e' } as const;

export const SIM_STYLE = `${STYLE}
:root{--idle:${IDLE_FILLS.light}}
@media screen and (prefers-color-scheme:dark){:root{--idle:${IDLE_FILLS.dark}}}
.tag{display:inline-block;vertical-align:.18em;margin-left:.5em;padding:.05em .6em;border:1px solid currentColor;border-radius:1em;font-size:.75rem;font-weight:600;line-height:1.5;color:var(--chosen)}
.tag.given{color:var(--other);border-style:dashed}
.part{margin-top:3.4em;border-top:3px solid var(--grid)}
.part h2{border-top:0;margin-top:.2em}
nav ul{display:flex;flex-wrap:wrap;gap:2px 18px;list-style:none;padding:0;max-width:none}
a{color:var(--chosen)}
figure{position:relative}
figure.wide{max-width:none}
.narrow{display:none}
.values{position:absolute;z-index:1;pointer-events:none;background:var(--ground);color:var(--text);border:1px solid var(--lesser);border-radius:6px;padding:6px 10px;font-size:.85rem;line-height:1.4;white-space:pre-line;max-width:min(22em,90%);box-shadow:0 2px 8px #0004}
svg:focus-visible,canvas:focus-visible,button:focus-visible,summary:focus-visible,a:focus-visible{outline:2px solid var(--chosen);outline-offset:2px}
svg .cursor{stroke:var(--text);stroke-width:1;fill:none;pointer-events:none}
svg .queue{stroke:var(--chosen);stroke-width:1.5;fill:none}
svg .queue-fill{fill:var(--chosen);opacity:.25}
svg .range{stroke:var(--lesser);stroke-width:2;fill:none}
svg .theory{stroke:var(--text);fill:none;stroke-width:2}
svg .seen{stroke-dasharray:2 4}
svg .published{stroke:var(--limit);fill:var(--ground);stroke-width:2}
svg .mean{stroke:var(--chosen);fill:var(--ground);stroke-width:2}
svg .hollow{stroke:var(--other);fill:var(--ground);stroke-width:2}
svg .lost{fill:var(--other);stroke:var(--other)}
.key svg{display:inline-block;width:34px;height:14px;vertical-align:-.1em;margin-right:6px}
.key .swatch{margin-right:6px}
.tools{display:flex;flex-wrap:wrap;gap:8px;margin:.6em 0}
button{font:inherit;font-size:.95rem;color:var(--text);background:var(--panel);border:1px solid var(--lesser);border-radius:6px;padding:4px 14px;min-height:32px;cursor:pointer}
button:disabled{opacity:.55;cursor:default}
canvas{display:block;width:100%;cursor:crosshair}
.readout{min-height:1.6em;max-width:none}
.key{max-width:none}
summary{cursor:pointer;padding:.3em 0}
kbd{font:inherit;font-size:.85em;background:var(--panel);border:1px solid var(--lesser);border-radius:4px;padding:0 .4em}
tr.sum th,tr.sum td{font-weight:600}
.facts{grid-template-columns:repeat(auto-fill,minmax(165px,1fr))}
@media (max-width:700px){.wide-only{display:none}.narrow{display:block}}
@media (max-width:500px){svg text{font-size:14px}tbody th{white-space:nowrap}.facts{grid-template-columns:1fr 1fr}.readout{min-height:4.8em}}
@media print{.tools,nav,.readout,.values,.screen{display:none}.wide-only{display:block}.narrow{display:none}}
`;
