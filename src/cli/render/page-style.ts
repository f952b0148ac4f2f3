/** A colour of a part and that of the text on it. */
export interface Ink {
  fill: string;
  text: string;
}

export const WHITE = '#ffffff';
export const BLACK = '#111111';

/** Text and lines by theme: ground, panel, text, lesser text, grid, and what is chosen, other, and a limit. */
export const THEMES = {
  light: {
    ground: '#ffffff',
    panel: '#f4f6f9',
    text: '#1a1f27',
    lesser: '#4d5664',
    grid: '#d5dae2',
    chosen: '#1f5fa8',
    other: '#b04a06',
    limit: '#a11a2b',
  },
  dark: {
    ground: '#14181f',
    panel: '#1e242d',
    text: '#eceff4',
    lesser: '#aeb7c4',
    grid: '#3a434f',
    chosen: '#7db8f0',
    other: '#f0a566',
    limit: '#ff8a94',
  },
} as const;

function variables(theme: keyof typeof THEMES): string {
  return Object.entries(THEMES[theme])
    .map(([name, value]) => `--${name}:${value}`)
    .join(';');
}

export const STYLE = `
:root{color-scheme:light;${variables('light')}}
@media screen and (prefers-color-scheme:dark){:root{color-scheme:dark;${variables('dark')}}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
main{max-width:1120px;margin:0 auto;padding:24px 16px 48px}
h1{font-size:clamp(1.45rem,4vw,2.2rem);line-height:1.2;margin:.2em 0 .4em;overflow-wrap:anywhere;text-wrap:balance}
h3{font-size:1.05rem;margin:1.2em 0 .3em}
ul{margin:.4em 0;padding-left:1.3em;max-width:72ch}
h2{font-size:1.3rem;line-height:1.3;margin:2.2em 0 .4em;padding-top:.8em;border-top:1px solid var(--grid)}
p{margin:.5em 0;max-width:72ch;overflow-wrap:anywhere}
.lesser,figcaption,.fact p,td small{color:var(--lesser)}
.eyebrow{margin:0;color:var(--lesser);font-weight:600}
.lead{font-size:1.1rem}
.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(220px,1fr));gap:12px;margin:1.4em 0 0;padding:0}
.fact{background:var(--panel);border-radius:8px;padding:12px 14px;margin:0}
.fact dt{font-weight:600}
.fact dd{margin:0}
.fact strong{display:block;font-size:1.35rem;line-height:1.3}
.fact p{font-size:.9rem;line-height:1.4;margin:.3em 0 0}
.pair{display:grid;gap:8px 32px}
.pair>*{min-width:0}
figure{margin:.8em 0;max-width:640px}
figcaption{font-size:.9rem}
svg{display:block;width:100%;height:auto}
svg text{fill:var(--text);font:13px system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
svg .halo{paint-order:stroke;stroke:var(--ground);stroke-width:4px;stroke-linejoin:round}
svg .grid{stroke:var(--grid)}
svg .axis{stroke:var(--lesser);fill:none}
svg .chosen{stroke:var(--chosen);fill:none;stroke-width:2.5}
svg .chosen.dot{fill:var(--chosen)}
svg .other{stroke:var(--other);fill:none;stroke-width:2.5;stroke-dasharray:7 4}
svg .other.dot{fill:var(--ground);stroke-dasharray:none}
svg .ideal{stroke:var(--lesser);fill:none;stroke-width:1.5;stroke-dasharray:2 4}
svg .ring{stroke:var(--text);fill:none;stroke-width:2}
svg .limit{stroke:var(--limit);stroke-width:2;stroke-dasharray:8 4}
svg text.limit-text{fill:var(--limit);font-weight:600}
svg .part{stroke:var(--ground);stroke-width:1.5}
.key{display:flex;flex-wrap:wrap;gap:4px 18px;list-style:none;margin:.4em 0;padding:0;font-size:.95rem}
.swatch{display:inline-block;min-width:1.6em;padding:0 .3em;border-radius:3px;font-size:.8rem;line-height:1.5;text-align:center;font-weight:600}
.scroll{overflow-x:auto;margin:.8em 0}
.scroll:focus-visible{outline:2px solid var(--chosen)}
table{border-collapse:collapse;width:100%;font-size:.95rem;font-variant-numeric:tabular-nums}
th,td{text-align:right;padding:5px 10px 5px 0;border-bottom:1px solid var(--grid);vertical-align:top;font-weight:400;white-space:nowrap}
thead th,td.words{white-space:normal}
th small{display:block;white-space:normal;max-width:11em;color:var(--lesser);font-weight:400}
thead th{font-weight:600;vertical-align:bottom}
th:first-child,td.words,th.words{text-align:left}
td.words{min-width:13em}
tr.first td{border-bottom:0}
tr.why td{color:var(--lesser);padding-top:0;font-size:.9rem}
tr.best th,tr.best td{font-weight:600}
.note{border-left:4px solid var(--other);background:var(--panel);padding:8px 14px;margin:1em 0}
.alarm{border-left-color:var(--limit)}
pre{background:var(--panel);border-radius:8px;padding:12px 14px;white-space:pre-wrap;overflow-wrap:anywhere;font-size:.9rem}
dl.terms{display:grid;grid-template-columns:minmax(9em,auto) 1fr;gap:4px 18px;margin:.8em 0}
dl.terms dt{font-weight:600}
dl.terms dd{margin:0}
@media (min-width:900px){.pair{grid-template-columns:1fr 1fr;align-items:start}}
@media (max-width:500px){table{font-size:.82rem}th,td{padding-right:7px}th,th small{white-space:normal}td.words{min-width:0}dl.terms{grid-template-columns:1fr}dl.terms dd{margin-bottom:.6em}.facts{grid-template-columns:1fr}}
@media print{main{max-width:none;padding:0}body{font-size:11pt}.scroll{overflow:visible}figure,.fact,tr{break-inside:avoid}h2{break-after:avoid}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
`;
