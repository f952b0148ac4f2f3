import { notStartedShare } from './scenario-summary.ts';
import type { Distribution, SizeClass, TwinReport } from './report.ts';
import { ATTEMPT_STATES } from './types.ts';

/** What a measure counts. Shares are in [0, 1]. */
export type MeasureUnit = 'seconds' | 'share' | 'gpuHours' | 'cpuHours' | 'megawattHours' | 'number';

export const MEASURE_TOPICS = ['waits', 'use', 'training', 'failures', 'preemption', 'ends', 'other'] as const;
/** What a reader asks about, the first thing first. */
export type MeasureTopic = (typeof MEASURE_TOPICS)[number];

/** One figure of a report, as it is compared between scenarios. */
export interface ComparedFigure {
  topic: MeasureTopic;
  /** Unique in its report, the same in every report. */
  name: string;
  /** As it stands in a sentence: `the median wait of 256-GPU jobs`. */
  subject: string;
  /** At the side of a chart, among those of its topic: `256: median`. */
  label: string;
  unit: MeasureUnit;
  /** Null where the run has none, such as a wait of jobs that never came. */
  value: number | null;
}

/** The predictions of a run that tell scenarios apart, in the order in which a reader wants them. */
export function comparedFigures({ inputs, predictions }: TwinReport): ComparedFigure[] {
  const device = inputs.cluster.unit === 'gpu' ? 'GPU' : 'CPU';
  const hours = inputs.cluster.unit === 'gpu' ? 'gpuHours' : 'cpuHours';
  const { waits, deviceTime, ettr, failures, preemption, queue, jobs } = predictions;
  const figures: ComparedFigure[] = [];
  let topic: MeasureTopic = 'waits';
  const add = (name: string, label: string, subject: string, unit: MeasureUnit, value: number | null) =>
    figures.push({ topic, name, subject, label, unit, value });

  const addWaits = (name: string, short: string, whose: string, wait: Distribution | null) => {
    add(`${name}MedianWait`, `${short}: median`, `the median wait of ${whose}`, 'seconds', wait?.median ?? null);
    const subject = `the wait that nine tenths of ${whose} stay below`;
    add(`${name}P90Wait`, `${short}: 90 %`, subject, 'seconds', wait?.p90 ?? null);
  };
  addWaits('all', 'all jobs', 'all jobs', waits.all.waitSeconds);
  const meanWait = waits.all.waitSeconds?.mean ?? null;
  add('allMeanWait', 'all jobs: mean', 'the mean wait of all jobs', 'seconds', meanWait);
  const left = 'the share of jobs that had not started at the end';
  add('notStarted', 'not started', left, 'share', notStartedShare(waits.all));
  for (const { size, waitSeconds } of waits.bySize)
    addWaits(size.label, size.label, `${sizeWords(size, device)} jobs`, waitSeconds);
  for (const { qos, waitSeconds } of waits.byQos)
    addWaits(`qos:${qos}`, `QOS ${qos}`, `jobs of QOS ${qos}`, waitSeconds);
  const slowdown = waits.all.boundedSlowdown?.mean ?? null;
  add('meanSlowdown', 'mean slowdown', 'the mean bounded slowdown', 'number', slowdown);

  topic = 'use';
  add('utilization', 'utilisation', 'the utilisation', 'share', predictions.utilization);
  add('goodput', 'goodput', `the share of all ${device} time that is productive`, 'share', predictions.goodput);
  add('lost', `lost ${device}-hours`, 'the work lost', hours, deviceTime.lost);
  add('overhead', `overhead ${device}-hours`, 'the time lost to restarts and checkpoints', hours, deviceTime.overhead);
  add('idle', `idle ${device}-hours`, `the idle ${device} time`, hours, deviceTime.idle);
  topic = 'training';
  add('ettr', 'ETTR', 'the ETTR of long jobs', 'share', ettr.all?.ettr ?? null);
  for (const figure of ettr.bySize) {
    const { size } = figure;
    const subject = `the ETTR of long ${sizeWords(size, device)} jobs`;
    add(`${size.label}Ettr`, `${size.label} ${device}${size.to === 1 ? '' : 's'}`, subject, 'share', figure.ettr);
  }

  topic = 'other';
  add('jobsEnded', 'jobs that end', 'the number of jobs that end', 'number', jobs.ended);
  add('pendingAtEnd', 'waiting at the end', 'the number of jobs that wait at the end', 'number', jobs.pendingAtEnd);
  // A run that ends with its last job is as long as that takes: a mean over its time says how long the end of it was quiet.
  const isOpen = inputs.horizonSeconds === null;
  add('meanQueue', 'waiting, mean', 'the mean number of jobs that wait', 'number', isOpen ? null : queue.meanJobs);
  add(
    'makespan',
    'until all ended',
    'the time until the last job has ended',
    'seconds',
    isOpen ? predictions.measuredSeconds : null,
  );
  topic = 'ends';
  for (const state of ATTEMPT_STATES) {
    const share = predictions.attemptStates.find((entry) => entry.state === state)?.share ?? 0;
    add(`state:${state}`, state, `the share of attempts that end ${state}`, 'share', share);
  }
  topic = 'preemption';
  add('preemptions', 'preemptions', 'the number of preemptions', 'number', preemption.preemptions);
  add(
    'preemptionsAfterFailure',
    'after failures',
    'the preemptions by jobs that failures put back',
    'number',
    preemption.afterFailure,
  );
  add('preemptionLost', `lost ${device}-hours`, 'the work lost to preemption', hours, preemption.lostHours);
  topic = 'failures';
  const [worst] = preemption.crashLoops;
  add(
    'worstFailures',
    'worst job: failures',
    'the failures of the job that they hit most',
    'number',
    worst?.failures ?? 0,
  );
  add(
    'worstPreemptions',
    'worst job: preempts',
    'the preemptions that this job causes',
    'number',
    worst?.preemptions ?? 0,
  );
  add(
    'largeFailures',
    '512+ jobs hit',
    `the share of 512+ ${device} jobs that a failure hits`,
    'share',
    failures.large.jobFailureShare,
  );
  add(
    'largeAttemptFailures',
    '512+ attempts hit',
    `the share of attempts of 512+ ${device} jobs that a failure ends`,
    'share',
    failures.large.attemptFailureShare,
  );
  topic = 'other';
  add('energy', 'energy, MWh', 'the energy', 'megawattHours', predictions.energy?.megawattHours ?? null);
  return figures;
}

/** `256-GPU`, `2-4 GPU`, `4096+ GPU`. */
function sizeWords({ from, to }: SizeClass, device: string): string {
  if (to === null) return `${from}+ ${device}`;
  return from === to ? `${from}-${device}` : `${from}-${to} ${device}`;
}
