import type { AccountingRow } from '../../contract/api.ts';
import { NAMES_MAX } from './bounded-labels.ts';
import type { Family } from './family.ts';
import { END_STATES } from './job-families.ts';

const SECONDS_PER_HOUR = 3600;

/** What was used and lost so far, of the accounts of all jobs. */
export const USAGE_FAMILIES: readonly Family<readonly AccountingRow[]>[] = [
  {
    name: 'orrery_used_gpu_seconds_total',
    help: 'GPU time allocated to all jobs of the home, also of daemons before.',
    labels: [],
    kind: 'counter',
    read: (rows) => [[{}, rows.reduce((sum, { gpuHours }) => sum + gpuHours, 0) * SECONDS_PER_HOUR]],
  },
  {
    name: 'orrery_lost_gpu_seconds_total',
    help: 'Of it what was lost to work that has to be done again and to restarts, by how the attempt ended.',
    labels: ['state'],
    kind: 'counter',
    *read(rows) {
      const lost = new Map<string, number>(END_STATES.map((state) => [state, 0]));
      for (const row of rows) {
        for (const [state, hours] of Object.entries(row.lostGpuHoursByState)) {
          lost.set(state, (lost.get(state) ?? 0) + hours * SECONDS_PER_HOUR);
        }
      }
      for (const [state, seconds] of lost) yield [{ state }, seconds];
    },
  },
  {
    name: 'orrery_ettr',
    help: `Effective training time ratio of all jobs; of the ${NAMES_MAX} accounts with the most GPU time.`,
    labels: ['account'],
    *read(rows) {
      const most = rows.toSorted((a, b) => b.gpuHours - a.gpuHours || (a.key < b.key ? -1 : 1)).slice(0, NAMES_MAX);
      for (const { key, ettr } of most) if (ettr !== null) yield [{ account: key }, ettr];
    },
  },
];
