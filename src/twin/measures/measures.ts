import type { NodeSpec } from '../../cluster/node.ts';
import type { LemonReport, TwinReport } from '../report.ts';
import type { RunSummary } from '../scenario.ts';
import type { AttemptEnd, Incident, JobEnd, NodeService, Observer, TwinJob } from '../types.ts';
import type { Allocation } from '../../scheduler/core-types.ts';
import type { PendingReason } from '../../scheduler/pending-reason.ts';
import { AttemptOutcomes } from './attempt-outcomes.ts';
import { BucketSums } from './bucket-sums.ts';
import { CHANNELS, seriesOf } from './series.ts';
import { EffectiveTraining } from './effective-training.ts';
import { energyUse } from './energy-use.ts';
import { FailureTimes } from './failure-times.ts';
import { GivenWork, sizeShares } from './given-work.ts';
import { JobDevices } from './job-devices.ts';
import { NodeGrid } from './node-grid.ts';
import { NodeLedger } from './node-ledger.ts';
import { QueueDepth } from './queue-depth.ts';
import { Restarts } from './restarts.ts';
import { fineClassOf, sumWithin } from './size-classes.ts';
import { SizeExposure } from './size-exposure.ts';
import { TimeSplit } from './time-split.ts';
import { Waits } from './waits.ts';

export interface MeasureContext {
  nodes: readonly NodeSpec[];
  /** When the run is to end; null once every job has. */
  horizonMs: number | null;
  /** Where that is null: until when roughly, so that series begin in buckets of about the right width. */
  expectedEndMs?: number | null;
  /**
   * What comes before is left out of every measure, and so are the jobs submitted before. Default 0: then jobs count that ran or waited at
   * instant 0 already, but for the waits of those that ran.
   */
  warmupMs?: number;
  /** For the formulas of MTTF and ETTR; null where nothing breaks. */
  failuresPerNodeDay: number | null;
  /** The most that a node draws, as its maker gives it; null if not known. */
  powerPerNodeWatts: number | null;
}

export interface Measures {
  /** For one run. */
  observers: readonly Observer[];
  /** After the run, or where it was interrupted. */
  report(summary: RunSummary, lemons?: LemonReport | null): TwinReport;
}

/** More points than these no page shows. */
const SERIES_POINTS_MAX = 2000;
const HOUR_MS = 3_600_000;

/** All measures of a run: one observer that tells each what it needs, memory that does not grow with the number of jobs. */
export function createMeasures(context: MeasureContext): Measures {
  const run = new MeasuredRun(context);
  return { observers: [run], report: (summary, lemons = null) => run.report(summary, lemons) };
}

class MeasuredRun implements Observer {
  readonly #context: MeasureContext & { warmupMs: number };
  readonly #devices: JobDevices;
  readonly #sums: BucketSums;
  readonly #grid: NodeGrid;
  readonly #ledger: NodeLedger;
  readonly #split: TimeSplit;
  readonly #queue: QueueDepth;
  readonly #exposure: SizeExposure;
  readonly #waits: Waits;
  readonly #outcomes: AttemptOutcomes;
  readonly #restarts: Restarts;
  readonly #failures: FailureTimes;
  readonly #ettr: EffectiveTraining;
  readonly #given: GivenWork;
  /** Jobs submitted since then count. */
  readonly #submittedFromMs: number;
  #jobsStarted = 0;
  #jobsEnded = 0;
  #jobsNeverStarted = 0;
  readonly #pendingReasons = new Map<PendingReason, number>();
  /** Devices of attempts that run, and of them times the milliseconds at which they started. */
  #liveDevices = 0;
  #liveMoment = 0;

  constructor(context: MeasureContext) {
    const { nodes, horizonMs, expectedEndMs = null, warmupMs = 0 } = context;
    const aboutMs = horizonMs ?? expectedEndMs;
    this.#context = { ...context, warmupMs };
    this.#devices = new JobDevices(nodes);
    this.#sums = new BucketSums(Object.keys(CHANNELS).length, SERIES_POINTS_MAX, warmupMs, aboutMs);
    this.#grid = new NodeGrid(nodes, this.#devices, aboutMs);
    this.#ledger = new NodeLedger(this.#devices, this.#sums, CHANNELS, this.#grid);
    this.#split = new TimeSplit(this.#sums, CHANNELS);
    this.#queue = new QueueDepth(this.#sums, CHANNELS, warmupMs);
    this.#exposure = new SizeExposure(warmupMs);
    this.#submittedFromMs = warmupMs > 0 ? warmupMs : -Infinity;
    this.#waits = new Waits(this.#submittedFromMs, warmupMs);
    this.#outcomes = new AttemptOutcomes(warmupMs);
    this.#restarts = new Restarts(warmupMs);
    this.#failures = new FailureTimes(warmupMs);
    this.#ettr = new EffectiveTraining(this.#submittedFromMs);
    this.#given = new GivenWork(warmupMs);
  }

  jobSubmitted(job: TwinJob, atMs: number): void {
    const devices = this.#devices.asked(job);
    this.#given.submitted(job, fineClassOf(devices), devices);
    this.#queue.asked(atMs, devices);
  }

  attemptStarted(job: TwinJob, attempt: number, allocation: Allocation, queuedMs: number, atMs: number): void {
    const devices = this.#devices.held(job, allocation);
    const fine = fineClassOf(devices);
    this.#ledger.started(job, allocation, devices, atMs);
    this.#sums.change(CHANNELS.allocated, atMs, devices);
    this.#liveDevices += devices;
    this.#liveMoment += devices * Math.max(atMs, this.#context.warmupMs);
    this.#exposure.start(fine, allocation.nodeIndices.length, devices, atMs);
    this.#queue.asked(atMs, -this.#devices.asked(job));
    this.#restarts.started(job, attempt, queuedMs);
    if (attempt > 1) return;
    this.#waits.started(job, fine, atMs);
    if (job.request.submitMs >= this.#submittedFromMs && atMs >= this.#context.warmupMs) this.#jobsStarted += 1;
  }

  attemptEnded(end: AttemptEnd): void {
    const { job, allocation, endMs } = end;
    const devices = this.#devices.held(job, allocation);
    const fine = fineClassOf(devices);
    this.#ledger.ended(job, allocation, devices, endMs);
    this.#sums.change(CHANNELS.allocated, endMs, -devices);
    this.#liveDevices -= devices;
    this.#liveMoment -= devices * Math.max(end.startMs, this.#context.warmupMs);
    this.#split.ended(end, devices);
    this.#exposure.end(fine, allocation.nodeIndices.length, devices, endMs);
    // As if it went back to the queue; where it does not, its end follows.
    this.#queue.asked(endMs, this.#devices.asked(job));
    this.#outcomes.attemptEnded(end, devices);
    this.#restarts.attemptEnded(end, devices);
    this.#failures.attemptEnded(end, fine);
  }

  jobEnded(end: JobEnd): void {
    const { job, endMs, startMs } = end;
    const devices = this.#devices.asked(job);
    const fine = fineClassOf(devices);
    const { jobId, submitMs } = job.request;
    this.#queue.asked(endMs, -devices);
    this.#waits.ended(end, fine);
    const history = this.#restarts.historyOf(jobId);
    this.#failures.jobEnded(end, fine, history?.failures ?? 0);
    this.#ettr.jobEnded(end, fine, devices, history);
    if (history !== undefined) this.#restarts.jobEnded(end);
    if (submitMs < this.#submittedFromMs) return;
    this.#jobsEnded += 1;
    if (startMs === null) this.#jobsNeverStarted += 1;
  }

  incident(incident: Incident): void {
    this.#given.incident(incident);
  }

  nodeChanged(nodeIndex: number, service: NodeService, _reason: string, atMs: number): void {
    this.#ledger.changed(nodeIndex, service, atMs);
  }

  settled(atMs: number, pendingCount: number, runningCount: number): void {
    this.#queue.settled(atMs, pendingCount, runningCount);
  }

  leftPending(job: TwinJob, attempts: number, reason: PendingReason): void {
    this.#pendingReasons.set(reason, (this.#pendingReasons.get(reason) ?? 0) + 1);
    if (attempts === 0) this.#waits.notStarted(job, fineClassOf(this.#devices.asked(job)));
  }

  report({ endMs }: RunSummary, lemons: LemonReport | null): TwinReport {
    const { nodes, horizonMs, warmupMs, failuresPerNodeDay, powerPerNodeWatts } = this.#context;
    const measuredMs = Math.max(0, endMs - warmupMs);
    const hoursOf = (deviceMs: number) => deviceMs / HOUR_MS;
    const totalOf = (channel: keyof typeof CHANNELS) => this.#sums.total(CHANNELS[channel], endMs);
    const capacity = this.#devices.total * measuredMs;
    const [allocated, productive, lost, overhead] = [
      totalOf('allocated'),
      totalOf('productive'),
      totalOf('lost'),
      totalOf('overhead'),
    ];
    const [idle, drained, down] = [totalOf('idle'), totalOf('drained'), totalOf('down')];
    const unfinished = measuredMs === 0 ? 0 : this.#liveDevices * endMs - this.#liveMoment;
    const share = (part: number, whole: number) => (whole <= 0 ? 0 : part / whole);
    const deviceMs = this.#exposure.deviceMs(endMs);
    const failures = this.#failures.report(
      this.#exposure,
      endMs,
      failuresPerNodeDay,
      this.#devices.total / nodes.length,
    );
    const ofLarge = failures.rateOfLarge.perThousandNodeDays;
    const atLeast = (from: number, to: number | null) => ({
      countShare: share(sumWithin(this.#exposure.started, from, to), sumWithin(this.#exposure.started, 0, null)),
      deviceTimeShare: share(sumWithin(deviceMs, from, to), sumWithin(deviceMs, 0, null)),
    });
    return {
      inputs: {
        cluster: { nodes: nodes.length, devices: this.#devices.total, unit: this.#devices.unit },
        horizonSeconds: horizonMs === null ? null : horizonMs / 1000,
        warmupSeconds: warmupMs / 1000,
        failuresPerNodeDay,
        jobs: this.#given.jobs(measuredMs, this.#devices.total, horizonMs === null, hoursOf),
        incidents: this.#given.incidents(nodes.length, measuredMs),
      },
      predictions: {
        measuredSeconds: measuredMs / 1000,
        jobs: {
          started: this.#jobsStarted,
          ended: this.#jobsEnded,
          neverStarted: this.#jobsNeverStarted,
          pendingAtEnd: this.#queue.pending,
          runningAtEnd: this.#queue.running,
          pendingReasons: [...this.#pendingReasons]
            .map(([reason, jobs]) => ({ reason, jobs }))
            .sort((a, b) => b.jobs - a.jobs || (a.reason < b.reason ? -1 : 1)),
        },
        attempts: this.#outcomes.attempts,
        utilization: share(allocated, capacity - drained - down),
        occupancy: share(allocated, capacity),
        goodput: share(productive, capacity),
        productiveShare: share(productive, allocated - unfinished),
        deviceTime: {
          capacity: hoursOf(capacity),
          allocated: hoursOf(allocated),
          productive: hoursOf(productive),
          lost: hoursOf(lost),
          overhead: hoursOf(overhead),
          unfinished: hoursOf(unfinished),
          idle: hoursOf(idle),
          drained: hoursOf(drained),
          down: hoursOf(down),
          residualAllocated: hoursOf(allocated - productive - lost - overhead - unfinished),
          residualCapacity: hoursOf(capacity - allocated - idle - drained - down),
        },
        waits: this.#waits.tables(endMs),
        attemptStates: this.#outcomes.states(hoursOf),
        bySize: sizeShares(this.#exposure.started, deviceMs, hoursOf),
        sizeShares: {
          single: atLeast(1, 1),
          atMost8: atLeast(0, 8),
          atLeast256: atLeast(256, null),
          atLeast4096: atLeast(4096, null),
        },
        ettr: this.#ettr.report(failuresPerNodeDay, ofLarge === null || ofLarge === 0 ? null : ofLarge / 1000),
        failures,
        losses: this.#outcomes.losses(hoursOf),
        preemption: this.#restarts.report(hoursOf),
        fragmentation: {
          meanDevices: share(totalOf('fragmented'), measuredMs),
          shareOfIdle: share(totalOf('fragmented'), idle),
        },
        queue: {
          meanJobs: share(totalOf('pendingJobs'), measuredMs),
          maxJobs: this.#queue.pendingMax,
          meanDevices: share(totalOf('pendingDevices'), measuredMs),
        },
        energy:
          powerPerNodeWatts === null || this.#devices.total === 0
            ? null
            : energyUse({
                nodeWattsMax: powerPerNodeWatts,
                nodes: nodes.length,
                devices: this.#devices.total,
                allocatedDeviceMs: allocated,
                productiveDeviceMs: productive,
                capacityDeviceMs: capacity,
              }),
        lemons,
      },
      series: seriesOf(this.#sums, endMs),
      timeline: this.#grid.timeline(endMs),
    };
  }
}
