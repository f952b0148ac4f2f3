import type { Pace } from '../../contract/api.ts';
import { type Column, renderTable } from './table.ts';
import type { Terminal } from './terminal.ts';

type Rank = Pace['ranks'][number];

/** Of a large gang those that matter, and some to hold them against. */
const ROWS_MAX = 16;

/** A row a rank, slowest first; then what the gang loses by it. */
export function renderPace({ ranks, typicalSeconds, waitFraction, attempt }: Pace, terminal: Terminal): string {
  const stragglers = ranks.filter(({ isStraggler }) => isStraggler);
  const shown = ranks.slice(0, Math.max(ROWS_MAX, stragglers.length));
  const columns: Column<Rank>[] = [
    { header: 'RANK', align: 'right', text: ({ rank }) => String(rank) },
    { header: 'NODE', text: ({ nodeName }) => nodeName },
    { header: 'BUSY S/STEP', align: 'right', text: ({ busySeconds }) => seconds(busySeconds) },
    { header: 'SLOWDOWN', align: 'right', text: ({ slowdown }) => slowdown.toFixed(2) },
    { header: 'VERDICT', text: ({ isStraggler }) => (isStraggler ? 'straggler' : ''), format: () => 'red' },
  ];
  return [
    renderTable(columns, shown, terminal),
    ...(shown.length < ranks.length ? [`... and ${ranks.length - shown.length} that are faster`] : []),
    '',
    `Attempt ${attempt}, its last steps; the typical rank is busy for ${seconds(typicalSeconds ?? 0)} s of each. ${loss(stragglers.length, waitFraction)}`,
  ].join('\n');
}

function loss(stragglerCount: number, waitFraction: number): string {
  if (stragglerCount === 0) return 'No rank holds up the gang.';
  const who = stragglerCount === 1 ? 'one rank' : `${stragglerCount} ranks`;
  return `The gang waits ${(100 * waitFraction).toFixed(0)} % of the time for ${who}.`;
}

function seconds(value: number): string {
  return value.toPrecision(3);
}
