import type { TwinReport } from '../../twin/report.ts';
import type { SimulationResult } from '../sim/simulate.ts';
import type { SimulationInputs } from '../sim/simulation-inputs.ts';
import { counted, daysText, digits, percent, reservationFacts, shortTime, whole } from './sim-words.ts';

const DAY_SECONDS = 86_400;
const LOAD_MAX = 10;
const REASONS_MAX = 3;
const LEFT_SHARE_MIN = 0.01;

/** Name and value, one a line. */
export type Fact = readonly [name: string, value: string];

/** What the run was given, and what of it was drawn before anything was scheduled. */
export function givenFacts({ inputs, report }: SimulationResult): Fact[] {
  const { cluster, jobs, incidents } = report.inputs;
  const facts: Fact[] = [
    [
      'cluster',
      `${inputs.cluster}: ${counted(cluster.nodes, 'node')}, ${counted(cluster.devices, deviceWord(report))}`,
    ],
    [
      'jobs',
      `${jobsWords(inputs)}: ${atStartWords(jobs.atStart)}${whole(jobs.submitted)} submitted${arrivalWords(report)}`,
    ],
    ['offered load', `${loadWords(jobs.offeredLoad)} of the cluster, if nothing interfered`],
    ['policy', policyWords(inputs)],
    ['failures', failureWords(inputs, report)],
  ];
  if (inputs.failures !== null || incidents.count > 0) {
    facts.push(['lemon nodes', inputs.areLemonsWatched ? 'found and drained' : 'not looked for']);
  }
  if (inputs.checkpointInterval !== null) facts.push(['checkpoints', inputs.checkpointInterval]);
  if (inputs.addedJobs > 0) facts.push(['added jobs', whole(inputs.addedJobs)]);
  facts.push(...reservationFacts(inputs.reservations));
  const settings = Object.entries(inputs.settings);
  if (settings.length > 0) facts.push(['set', settings.map(([name, value]) => `${name}=${value}`).join(' ')]);
  return facts;
}

/** Of jobs that come all at once, a load says little. */
export function loadWords(load: number): string {
  return load > LOAD_MAX ? `more than ${whole(100 * LOAD_MAX)} %` : percent(load);
}

/** A trace of a few minutes has no day. */
function arrivalWords({ inputs: { jobs, horizonSeconds } }: TwinReport): string {
  if (horizonSeconds === null && jobs.arrivalSeconds < DAY_SECONDS) return '';
  return `${horizonSeconds === null ? ` in ${shortTime(jobs.arrivalSeconds)}` : ''}, ${whole(jobs.perDay)} a day`;
}

/** Of a cluster that was taken over in the midst of its work. */
function atStartWords(atStart: number): string {
  return atStart === 0 ? '' : `${whole(atStart)} there at the start, `;
}

function jobsWords({ workload, trace, days, seed, load, growth }: SimulationInputs): string {
  const span = days === null ? '' : `, ${daysText(days)}`;
  if (trace !== null) return `${trace.file} (${trace.format})${span}`;
  const scale = load === 1 ? '' : `, load x ${digits(load)}`;
  const growing = growth === 0 ? '' : `, growing by ${percent(growth)}`;
  return `${workload}${span}, seed ${seed}${scale}${growing}`;
}

function policyWords({ policy, schedulerType, backfillType }: SimulationInputs): string {
  return `${policy} (${schedulerType === 'backfill' ? `${backfillType} backfill` : 'no backfill'})`;
}

function failureWords({ failures, failuresPerThousandNodeDays }: SimulationInputs, report: TwinReport): string {
  if (failures === null) return 'none';
  const { count, falsePositives } = report.inputs.incidents;
  const rate =
    failuresPerThousandNodeDays === null ? '' : `, ${digits(failuresPerThousandNodeDays)} per 1,000 node-days`;
  return `${failures}${rate}: ${whole(count)} incidents, ${whole(falsePositives)} of them false alarms`;
}

/** What followed from it, in short. */
export function predictedFacts(report: TwinReport): Fact[] {
  const { predictions } = report;
  const { deviceTime, waits, preemption, ettr, failures, queue, energy, lemons } = predictions;
  const device = deviceWord(report);
  const wait = waits.all.waitSeconds;
  const facts: Fact[] = [
    ['jobs', jobsEndWords(report)],
    [
      'utilisation',
      `${percent(predictions.utilization)} of the nodes in service, ${percent(predictions.occupancy)} of all`,
    ],
    [
      'goodput',
      `${percent(predictions.goodput)} of all ${device} time is productive; ${hours(deviceTime.lost, device)} are lost`,
    ],
  ];
  if (wait !== null) {
    const { median, mean, p90, p99 } = wait;
    const times = [
      `median ${shortTime(median)}`,
      `mean ${meanSeconds(mean)}`,
      `p90 ${shortTime(p90)}`,
      `p99 ${shortTime(p99)}`,
    ];
    const left = leftOver(report);
    const others =
      left === null
        ? ''
        : `, of those that started; ${whole(left.count)} have not, ${shortTime(left.meanSeconds)} so far`;
    facts.push(['wait', `${times.join(', ')}${others}`]);
  }
  const slowdown = waits.all.boundedSlowdown;
  if (slowdown !== null) facts.push(['slowdown', `mean ${digits(slowdown.mean)} (bounded)`]);
  facts.push(['queue', `${counted(queue.meanJobs, 'job')} in the mean, ${whole(queue.maxJobs)} at most`]);
  if (preemption.preemptions > 0) {
    facts.push([
      'preemptions',
      `${whole(preemption.preemptions)}, ${whole(preemption.afterFailure)} by jobs that failures put back and ${whole(preemption.afterThose)} by those they displaced`,
    ]);
  }
  const [worst] = preemption.crashLoops;
  if (worst !== undefined && worst.failures >= 3) {
    facts.push([
      'crash loop',
      `job ${worst.jobId} (${whole(worst.devices)} ${device}s): ended by failures ${whole(worst.failures)} times, which caused ${whole(worst.preemptions)} preemptions of ${whole(worst.preemptedDevices)} ${device}s`,
    ]);
  }
  if (ettr.all !== null) facts.push(['ETTR', `${ettr.all.ettr.toFixed(3)} of jobs that ran for a day or more`]);
  const { large } = failures;
  if (large.jobFailureShare !== null && failures.attemptsFailed > 0) {
    facts.push([
      'large jobs',
      `failures hit ${percent(large.jobFailureShare)} of ${whole(large.jobs)} jobs of 512+ ${device}s`,
    ]);
  }
  if (energy !== null) facts.push(['energy', `${whole(energy.megawattHours)} MWh`]);
  if (lemons !== null) facts.push(['lemon nodes', lemonWords(lemons)]);
  return facts;
}

function jobsEndWords(report: TwinReport): string {
  const { started, ended, neverStarted, pendingAtEnd, runningAtEnd } = report.predictions.jobs;
  const left = [
    neverStarted > 0 ? `${whole(neverStarted)} never started` : null,
    runningAtEnd > 0 ? `${whole(runningAtEnd)} run at the end` : null,
    pendingAtEnd > 0 ? `${whole(pendingAtEnd)} wait${pendingWords(report)}` : null,
  ].filter((words) => words !== null);
  return [`${whole(started)} started, ${whole(ended)} ended`, ...left].join(', ');
}

/** ` for ever (AssocGrpGRES 64)`: what jobs wait for at the end. Without a horizon a run ends when nothing happens any more. */
export function pendingWords({ inputs: { horizonSeconds }, predictions: { jobs } }: TwinReport): string {
  const { pendingReasons, runningAtEnd } = jobs;
  if (pendingReasons.length === 0) return '';
  const isForGood = horizonSeconds === null && runningAtEnd === 0;
  const shown = pendingReasons.slice(0, REASONS_MAX).map(({ reason, jobs: count }) => `${reason} ${whole(count)}`);
  if (pendingReasons.length > REASONS_MAX) shown.push('...');
  return `${isForGood ? ' for ever' : ''} (${shown.join(', ')})`;
}

/** Jobs that have not started when the run ends, where they are so many that the waits of the others tell little of all; else null. */
export function leftOver({
  predictions: { waits },
}: TwinReport): { count: number; share: number; meanSeconds: number } | null {
  const { waitSeconds, notStarted } = waits.all;
  if (notStarted === null) return null;
  const share = notStarted.count / (notStarted.count + (waitSeconds?.count ?? 0));
  return share < LEFT_SHARE_MIN ? null : { ...notStarted, share };
}

function lemonWords({
  nodesFlagged,
  lemons,
  lemonsFlagged,
  precision,
  recall,
}: NonNullable<TwinReport['predictions']['lemons']>): string {
  const shares =
    precision === null || recall === null ? '' : ` (precision ${percent(precision)}, recall ${percent(recall)})`;
  return `${whole(nodesFlagged)} nodes drained, ${whole(lemonsFlagged)} of the ${whole(lemons)} lemons among them${shares}`;
}

/** Means are compared with other simulators to the second. */
function meanSeconds(seconds: number): string {
  const short = shortTime(seconds);
  return seconds < 99.5 ? short : `${short} (${whole(seconds)} s)`;
}

export function hours(value: number, device: string): string {
  return `${digits(value)} ${device}-hours`;
}

export function deviceWord(report: TwinReport): 'GPU' | 'CPU' {
  return report.inputs.cluster.unit === 'gpu' ? 'GPU' : 'CPU';
}
