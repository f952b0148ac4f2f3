// The cells of the node timeline, from the document embedded in the page.

/**
 * @typedef {{firstNode: number, lastNode: number, label: string, runs: number[], outOfService: number[]}} Row
 * @typedef {{columnSeconds: number, columns: number, rows: Row[]}} Timeline
 * @typedef {{name: string, fill: string, text: string, mark: string}} State
 */

/**
 * @template {HTMLElement} Element
 * @param {string} id
 * @param {new () => Element} kind
 * @returns {Element}
 */
export function element(id, kind) {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new Error(`the page has no ${id}`);
}

export const canvas = element('timeline-canvas', HTMLCanvasElement);
/** @type {{summary: {endMs: number}, report: {timeline: Timeline}}} */
const run = JSON.parse(element('run', HTMLElement).textContent ?? '');
/** @type {State[]} */
export const states = JSON.parse(element('timeline-states', HTMLElement).textContent ?? '');
export const { columns, columnSeconds, rows } = run.report.timeline;
export const endSeconds = run.summary.endMs / 1000;
export const cells = new Uint8Array(rows.length * columns);
export const outOfService = new Float32Array(rows.length * columns);
rows.forEach(({ runs, outOfService: out }, row) => {
  expand(cells, runs, row);
  expand(outOfService, out, row);
});

/**
 * A row's cells from its runs: the column where each begins and its value.
 * @param {Uint8Array | Float32Array} into
 * @param {number[]} runs
 * @param {number} row
 */
function expand(into, runs, row) {
  for (let at = 0; at < runs.length; at += 2) {
    into.fill(runs[at + 1] ?? 0, row * columns + (runs[at] ?? 0), row * columns + (runs[at + 2] ?? columns));
  }
}

/**
 * The unit in which so much time is told.
 * @param {number} seconds
 */
export function unitOf(seconds) {
  const units = [
    { name: 'day', seconds: 86_400, steps: [1, 2, 5, 10, 20, 50, 100, 200, 500] },
    { name: 'hour', seconds: 3600, steps: [1, 2, 3, 6, 12, 24, 48] },
    { name: 'minute', seconds: 60, steps: [1, 2, 5, 10, 15, 30, 60, 120] },
    { name: 'second', seconds: 1, steps: [1, 2, 5, 10, 15, 30, 60, 120] },
  ];
  const second = { name: 'second', seconds: 1, steps: [1] };
  return units.find((unit) => seconds >= 3 * unit.seconds) ?? units[3] ?? second;
}

/** @param {number} seconds */
export function moment(seconds) {
  const unit = unitOf(endSeconds);
  return `${unit.name} ${(Math.min(seconds, endSeconds) / unit.seconds).toFixed(unit.seconds === 1 ? 0 : 2)}`;
}
