import { TIMELINE_STATES, type TimelineState, type TwinReport } from '../../../twin/report.ts';
import { html, type Markup, NOTHING } from '../page-markup.ts';
import { deviceWord } from '../sim-facts.ts';
import { embedded, script, section } from './section.ts';
import { STATE_INKS } from './style.ts';
import { timeAxis } from './time.ts';
import { counted, shortTime, whole } from '../sim-words.ts';

const SIZES: Partial<Record<TimelineState, string>> = {
  '1-8': '1 to 8',
  '9-64': '9 to 64',
  '65-255': '65 to 255',
  '256-1023': '256 to 1,023',
  '1024+': '1,024 or more',
};

const IDLE = TIMELINE_STATES.indexOf('idle');

/** Nodes against time, to zoom into. `drawing`: text of page-scripts/node-timeline.js, which draws it from the document embedded in the page. */
export function timelineSection({ timeline, ...report }: TwinReport, endSeconds: number, drawing: string): Markup {
  const device = deviceWord({ timeline, ...report });
  const { rows, columnSeconds, columns } = timeline;
  const nodes = rows[0] === undefined ? 1 : rows[0].lastNode - rows[0].firstNode + 1;
  if (rows.every(({ runs, outOfService }) => runs.length === 2 && runs[1] === IDLE && outOfService.length === 0)) {
    return section(
      'nodes',
      'predicted',
      'Node timeline: all idle',
      html`<p>Every node was in service and idle from the begin to the end.</p>`,
    );
  }
  const states = TIMELINE_STATES.map((state) => ({
    name: wordsOf(state, device),
    ...STATE_INKS[state],
    /** Drawn into cells that are large enough. */
    mark: state === 'idle' ? '' : (SIZES[state]?.replace(' or more', '+').replace(' to ', '-') ?? state),
  }));
  const legend = states.map(
    ({ name, fill, text, mark }) =>
      html`<li><span class="swatch" style="background:${fill};color:${text}">${mark === '' ? '\u00a0' : mark}</span>${name}</li>`,
  );
  const strip =
    nodes === 1
      ? NOTHING
      : html`<li><span class="swatch" style="background:linear-gradient(transparent 70%,${STATE_INKS.down.fill} 70%);border:1px solid var(--lesser)">\u00a0</span>line below: some of its nodes are down or drained</li>`;
  const cell = `${nodes === 1 ? 'one node' : `${nodes} neighbouring nodes`} and ${shortTime(columnSeconds)}`;
  return section(
    'nodes',
    'predicted',
    `Node timeline: what ${counted(report.inputs.cluster.nodes, 'node')} did`,
    html`<p>${`Each cell is ${cell}, in the state that had most of it; ${whole(rows.length)} rows and ${whole(columns)} columns. What a node is used for is told by the ${device}s of the job that has it.`}</p>
<div id="timeline" class="screen"><p id="timeline-help" class="lesser">Turn the wheel to zoom, with Shift in time alone; drag to move. By keyboard: <kbd>+</kbd> <kbd>-</kbd> zoom, arrows move (with Shift by one cell), <kbd>0</kbd> shows all again.</p>
<div class="tools"><button type="button" data-do="in">Zoom in</button><button type="button" data-do="out">Zoom out</button><button type="button" data-do="left">Earlier</button><button type="button" data-do="right">Later</button><button type="button" data-do="up">Nodes before</button><button type="button" data-do="down">Nodes after</button><button type="button" data-do="all">Show all</button></div></div>
<canvas id="timeline-canvas" tabindex="0" role="img" aria-label="${`State of every node over the ${timeAxis(endSeconds, 0, 1, 9).unit}s of the run; the table below has what is in view.`}" aria-describedby="timeline-help"></canvas>
<p class="readout lesser" id="timeline-readout" aria-live="polite">Point to a cell to read what it is.</p>
<ul class="key">${legend}${strip}</ul>
<details id="timeline-details" class="screen"><summary>What is in view, as a table</summary><div class="scroll" role="region" aria-label="Nodes in view" tabindex="0"><table id="timeline-table"></table></div></details>
<noscript><p class="note">The node timeline is drawn by a script of this page.</p></noscript>${embedded('timeline-states', states)}${script(drawing)}`,
  );
}

function wordsOf(state: TimelineState, device: string): string {
  const size = SIZES[state];
  if (size !== undefined) return `used by a job of ${size} ${device}s`;
  return state === 'idle' ? 'idle' : state === 'down' ? 'down' : 'drained';
}
