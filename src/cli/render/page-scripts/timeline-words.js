// Says in words what the node timeline shows.

import { cells, columns, columnSeconds, element, moment, outOfService, rows, states } from './timeline-grid.js';
import { view } from './timeline-view.js';

const readout = element('timeline-readout', HTMLElement);
export const details = element('timeline-details', HTMLDetailsElement);
const table = element('timeline-table', HTMLTableElement);

/**
 * Says what a cell is.
 * @param {number} column
 * @param {number} row
 */
export function tell(column, row) {
  const [x, y] = [Math.floor(column), Math.floor(row)];
  const name = rows[y]?.label;
  if (name === undefined || x < 0 || x >= columns) return;
  const state = states[cells[y * columns + x] ?? 0]?.name ?? '';
  const out = outOfService[y * columns + x] ?? 0;
  const count = (rows[y]?.lastNode ?? 0) - (rows[y]?.firstNode ?? 0) + 1;
  const service = out === 0 || count === 1 ? '' : `; ${out.toFixed(1)} of ${count} nodes down or drained`;
  readout.textContent = `${name}, ${moment(x * columnSeconds)} to ${moment((x + 1) * columnSeconds)}: ${state}${service}`;
}

/** Shares of the time in view, a row of nodes each; only while somebody looks. */
export function tabulate() {
  if (!details.open) return;
  const [from, to] = [Math.floor(view.left), Math.min(columns, Math.ceil(view.left + view.width))];
  const head = document.createElement('tr');
  for (const title of ['nodes', ...states.map(({ name }) => name)]) {
    const cell = document.createElement('th');
    cell.scope = 'col';
    cell.textContent = title;
    head.append(cell);
  }
  const caption = document.createElement('caption');
  caption.textContent = `Share of cells from ${moment(from * columnSeconds)} to ${moment(to * columnSeconds)}`;
  table.replaceChildren(caption, head);
  for (let row = Math.floor(view.top); row < Math.min(rows.length, Math.ceil(view.top + view.height)); row += 1) {
    const counts = states.map(() => 0);
    for (const state of cells.subarray(row * columns + from, row * columns + to))
      counts[state] = (counts[state] ?? 0) + 1;
    const line = table.insertRow();
    const name = document.createElement('th');
    name.scope = 'row';
    name.textContent = rows[row]?.label ?? '';
    line.append(name);
    for (const count of counts) line.insertCell().textContent = `${((100 * count) / (to - from)).toFixed(1)} %`;
  }
}
