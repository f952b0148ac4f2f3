// Throughput of the scheduling cycle at the size of RSC phase 2: every job of a trace is submitted, started and ended under a virtual
// clock. Prints jobs per CPU second, and how that compares with the naive reference scheduler on the first jobs of the same trace.
// node bench/scheduler/run.ts [--json] [--reference-jobs N] [--trace FILE]
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { expandNodes } from '../../src/cluster/cluster.ts';
import { parseClusterFile } from '../../src/formats/cluster-file.ts';
import { ReferenceScheduler } from '../../src/scheduler/reference.ts';
import type { SchedulerOptions, SchedulerType } from '../../src/scheduler/policy.ts';
import { createScheduler } from '../../src/scheduler/scheduler.ts';
import type { Decision } from '../../src/scheduler/types.ts';
import { type Driven, drive, type Run } from './drive.ts';
import { dataFolder, readTrace } from './trace.ts';

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    'reference-jobs': { type: 'string', default: '500' },
    trace: { type: 'string', default: 's100k.swf.gz' },
  },
});

const folder = dataFolder();
if (folder === undefined) {
  console.error('skipped: no trace data (set ORRERY_DATA to the folder that has traces/s100k.swf.gz)');
  process.exit(0);
}
const jobs = readTrace(join(folder, 'traces', options.trace));
const clusterYaml = join(import.meta.dirname, '..', '..', 'catalog', 'clusters', 'rsc-phase2.yaml');
const cluster = parseClusterFile(readFileSync(clusterYaml, 'utf8'), 'rsc-phase2.yaml', ['a100-80']);
const nodes = expandNodes(cluster, { cpus: 1, memoryBytes: 1, gpus: 0 });

function ours(policy: SchedulerOptions): Driven {
  const scheduler = createScheduler(policy);
  return {
    apply: (event) => scheduler.apply(event),
    decide: (nowMs) => {
      const decisions: Decision[] = [];
      for (;;) {
        const cycle = scheduler.decide(nowMs);
        decisions.push(...cycle.decisions);
        if (cycle.wakeAtMs !== nowMs) return decisions;
      }
    },
  };
}

const rate = ({ ended, cpuSeconds }: Run) => ended / cpuSeconds;

const referenceJobs = jobs.slice(0, Number(options['reference-jobs']));

function measure(schedulerType: SchedulerType) {
  const policy = { schedulerType };
  const reference = drive(new ReferenceScheduler(policy), nodes, referenceJobs);
  const oursOnSame = drive(ours(policy), nodes, referenceJobs);
  if (oursOnSame.makespanMs !== reference.makespanMs || oursOnSame.waitMsMean !== reference.waitMsMean) {
    console.error(`${schedulerType}: the two schedulers disagree on the same jobs`);
    process.exit(1);
  }
  const full = drive(ours(policy), nodes, jobs);
  return {
    schedulerType,
    jobs: full.ended,
    cpuSeconds: full.cpuSeconds,
    jobsPerCpuSecond: rate(full),
    waitSecondsMean: full.waitMsMean / 1000,
    makespanSeconds: full.makespanMs / 1000,
    reference: {
      jobs: reference.ended,
      jobsPerCpuSecond: rate(reference),
      ratioOnSameJobs: rate(oursOnSame) / rate(reference),
      ratio: rate(full) / rate(reference),
    },
  };
}

const report = {
  cluster: cluster.name,
  nodes: nodes.length,
  gpus: nodes.reduce((total, node) => total + node.resources.gpus, 0),
  policies: [measure('builtin'), measure('backfill')],
};
if (options.json) console.log(JSON.stringify(report));
else {
  const n = (value: number) => value.toLocaleString('en', { maximumFractionDigits: value < 100 ? 2 : 0 });
  console.log(`${n(report.nodes)} nodes, ${n(report.gpus)} GPUs (${report.cluster}); ${options.trace}; no failures`);
  for (const policy of report.policies) {
    const { reference } = policy;
    console.log(policy.schedulerType);
    console.log(
      `  scheduler  ${n(policy.jobs)} jobs in ${n(policy.cpuSeconds)} CPU s: ${n(policy.jobsPerCpuSecond)} jobs/CPU s`,
    );
    console.log(
      `  reference  ${n(reference.jobs)} jobs: ${n(reference.jobsPerCpuSecond)} jobs/CPU s, same decisions; ratio ${n(reference.ratio)} (on the same jobs ${n(reference.ratioOnSameJobs)})`,
    );
    console.log(`  mean wait  ${n(policy.waitSecondsMean)} s; makespan ${n(policy.makespanSeconds)} s`);
  }
}
