import { runTwin } from '../../src/twin/engine.ts';
import { INSTANT } from '../../src/twin/scenario.ts';
import { drawnJobs } from './drawn-jobs.ts';
import { dgxNodes } from './trace.ts';

const GPUS_PER_NODE = 8;
const SEED = 1;

export interface ScalePoint {
  gpus: number;
  jobs: number;
  /** Pending jobs, on average over instants. */
  queueDepthMean: number;
  jobsPerCpuSecond: number;
}

/** Jobs that are submitted, started and ended per CPU second. What waits at the start is submitted before the clock runs. */
export function measureScale(gpus: number, load: number, backlog: number, count: number): ScalePoint {
  const nodeCount = gpus / GPUS_PER_NODE;
  const jobs = drawnJobs({ nodes: nodeCount, load, backlog, count, seed: SEED });
  let before: NodeJS.CpuUsage | undefined;
  let endedBefore = 0;
  let ended = 0;
  let instants = 0;
  let pending = 0;
  runTwin({
    nodes: dgxNodes(nodeCount),
    policy: {},
    timing: INSTANT,
    jobs,
    incidents: null,
    operator: null,
    observers: [
      {
        jobEnded: () => {
          ended += 1;
        },
        settled: (_atMs, pendingCount) => {
          if (before === undefined) {
            before = process.cpuUsage();
            endedBefore = ended;
          }
          instants += 1;
          pending += pendingCount;
        },
      },
    ],
    untilMs: jobs.endMsEstimate,
  });
  const { user, system } = process.cpuUsage(before);
  const done = ended - endedBefore;
  return {
    gpus,
    jobs: done,
    queueDepthMean: pending / instants,
    jobsPerCpuSecond: done / ((user + system) / 1e6),
  };
}
