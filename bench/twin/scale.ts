import { runTwin } from '../../src/twin/engine.ts';
import { INSTANT } from '../../src/twin/scenario.ts';
import { drawnJobs } from './drawn-jobs.ts';
import { dgxNodes } from './trace.ts';

const GPUS_PER_NODE = 8;
const SEED = 1;
/** Up to the largest cluster that the reference machines' authors project. */
const SIZES = [1000, 4000, 16_000, 64_000, 131_072];
/** Jobs that wait when the clock begins to run, on 16,000 GPUs. */
const DEPTHS = [100, 1000, 10_000, 100_000];
const DEPTH_GPUS = 16_000;
const JOBS = 40_000;
const WARMING_JOBS = 20_000;
/** Some queue, which comes and goes; where the queue is to stay as deep as it is, as much arrives as runs. */
const LOAD = 0.95;
const DEPTH_LOAD = 1;

export interface ScalePoint {
  gpus: number;
  jobs: number;
  /** Pending jobs, on average over instants. */
  queueDepthMean: number;
  /** Nodes of a gang, on average. */
  nodesMean: number;
  jobsPerCpuSecond: number;
}

export function measureSizes(): ScalePoint[] {
  measureScale(DEPTH_GPUS, LOAD, 0, WARMING_JOBS);
  return SIZES.map((gpus) => measureScale(gpus, LOAD, 0, JOBS));
}

export function measureDepths(): ScalePoint[] {
  measureScale(DEPTH_GPUS, DEPTH_LOAD, 0, WARMING_JOBS);
  return DEPTHS.map((depth) => measureScale(DEPTH_GPUS, DEPTH_LOAD, depth, JOBS));
}

/** Jobs that are submitted, started and ended per CPU second. What waits at the start is submitted before the clock runs. */
function measureScale(gpus: number, load: number, backlog: number, count: number): ScalePoint {
  const nodeCount = gpus / GPUS_PER_NODE;
  const jobs = drawnJobs({ nodes: nodeCount, load, backlog, count, seed: SEED });
  let before: NodeJS.CpuUsage | undefined;
  let endedBefore = 0;
  let ended = 0;
  let instants = 0;
  let pending = 0;
  let gangs = 0;
  let gangNodes = 0;
  runTwin({
    nodes: dgxNodes(nodeCount),
    policy: {},
    timing: INSTANT,
    jobs,
    incidents: null,
    operator: null,
    observers: [
      {
        attemptStarted: (_job, _attempt, { nodeIndices }) => {
          gangs += 1;
          gangNodes += nodeIndices.length;
        },
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
    nodesMean: gangNodes / gangs,
    jobsPerCpuSecond: done / ((user + system) / 1e6),
  };
}
