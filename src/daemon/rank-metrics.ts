import { join } from 'node:path';
import { tasksPerNode } from '../contract/job.ts';
import type { Store } from '../store/store.ts';
import type { Home } from './home.ts';
import { readTail } from './metrics-file.ts';
import { type PaceReport, paceOf } from './stragglers.ts';

/** The last steps only: a node that was slow an hour ago may be well now. */
const STEPS_MAX = 20;
const TAIL_BYTES = 32 * 1024;

/** Of the current or last attempt, from what its ranks wrote to ORRERY_RANK_METRICS: lines such as `{"step":10,"busySeconds":0.61}`. */
export function jobPace(store: Store, home: Home, jobId: number): PaceReport & { attempt: number } {
  const job = store.job(jobId);
  const spec = store.read(jobId)?.accepted.spec;
  if (job === undefined || spec === undefined) throw new Error(`no job ${jobId}`);
  const { attempt } = job;
  const nodeList = store.attempts(jobId).at(-1)?.nodeList ?? [];
  const folder = home.attempt(jobId, attempt);
  // What a job that runs once starts by itself is not known to be a rank.
  const onEachNode = spec.once === true ? 0 : tasksPerNode(spec);
  const gang = nodeList.flatMap((nodeName, nodeRank) =>
    Array.from({ length: onEachNode }, (_, localRank) => {
      const rank = nodeRank * onEachNode + localRank;
      const lines = readTail(join(folder, `rank-${rank}.ndjson`), TAIL_BYTES);
      const busySeconds = lines.map((line) => line['busySeconds']).filter((value) => typeof value === 'number');
      return { rank, nodeName, busySeconds: busySeconds.slice(-STEPS_MAX) };
    }),
  );
  return { attempt, ...paceOf(gang) };
}
