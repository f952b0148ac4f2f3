// Throughput of the scheduling cycle at the size of RSC phase 2: every job of a trace is submitted, started and ended under a virtual
// clock. Prints jobs per CPU second, and how that compares with the naive reference scheduler on the first jobs of the same trace.
// node bench/scheduler/run.ts [--json] [--reference-jobs N]
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { expandNodes } from '../../src/cluster/cluster.ts';
import { parseClusterFile } from '../../src/formats/cluster-file.ts';
import { ReferenceScheduler } from '../../src/scheduler/reference.ts';
import { createScheduler } from '../../src/scheduler/scheduler.ts';
import type { Decision } from '../../src/scheduler/types.ts';
import { type Driven, drive, type Run } from './drive.ts';
import { dataFolder, readTrace } from './trace.ts';

const { values: options } = parseArgs({
  options: { json: { type: 'boolean', default: false }, 'reference-jobs': { type: 'string', default: '500' } },
});

const folder = dataFolder();
if (folder === undefined) {
  console.error('skipped: no trace data (set ORRERY_DATA to the folder that has traces/s100k.swf.gz)');
  process.exit(0);
}
const jobs = readTrace(join(folder, 'traces', 's100k.swf.gz'));
const clusterYaml = join(import.meta.dirname, '..', '..', 'catalog', 'clusters', 'rsc-phase2.yaml');
const cluster = parseClusterFile(readFileSync(clusterYaml, 'utf8'), 'rsc-phase2.yaml', ['a100-80']);
const nodes = expandNodes(cluster, { cpus: 1, memoryBytes: 1, gpus: 0 });

function ours(): Driven {
  const scheduler = createScheduler();
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
const reference = drive(new ReferenceScheduler(), nodes, referenceJobs);
const oursOnSame = drive(ours(), nodes, referenceJobs);
const full = drive(ours(), nodes, jobs);
if (oursOnSame.makespanMs !== reference.makespanMs || oursOnSame.waitMsMean !== reference.waitMsMean) {
  console.error('the two schedulers disagree on the same jobs');
  process.exit(1);
}

const report = {
  cluster: cluster.name,
  nodes: nodes.length,
  gpus: nodes.reduce((total, node) => total + node.resources.gpus, 0),
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
if (options.json) console.log(JSON.stringify(report));
else {
  const n = (value: number) => value.toLocaleString('en', { maximumFractionDigits: value < 100 ? 2 : 0 });
  console.log(`${n(report.nodes)} nodes, ${n(report.gpus)} GPUs (${report.cluster}); policy builtin; no failures`);
  console.log(
    `  scheduler  ${n(report.jobs)} jobs in ${n(report.cpuSeconds)} CPU s: ${n(report.jobsPerCpuSecond)} jobs/CPU s`,
  );
  console.log(
    `  reference  ${n(report.reference.jobs)} jobs: ${n(report.reference.jobsPerCpuSecond)} jobs/CPU s, same decisions`,
  );
  console.log(`  ratio      ${n(report.reference.ratio)} (on the same jobs ${n(report.reference.ratioOnSameJobs)})`);
  console.log(`  mean wait  ${n(report.waitSecondsMean)} s; makespan ${n(report.makespanSeconds)} s`);
}
