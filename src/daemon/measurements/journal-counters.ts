import { Counter, Histogram, type Registry } from 'prom-client';
import type { JournalEntry } from '../../store/journal-table.ts';
import type { JobRow } from '../../store/job-row.ts';
import { FirstNames, NAMES_MAX } from './bounded-labels.ts';
import { END_STATES } from './job-families.ts';

const WAIT_BUCKETS_SECONDS = [1, 10, 60, 300, 900, 3_600, 14_400, 43_200, 86_400, 259_200, 604_800];

/** A job of an event, as it is after it. */
export interface CountedJob {
  row: Pick<JobRow, 'queuedMs'>;
  partition: string | null;
}

/** Counts what is committed to the journal while the daemon lives. */
export class JournalCounters {
  readonly #partitions = new FirstNames(NAMES_MAX);
  readonly #submissions: Counter;
  readonly #waits: Histogram;
  readonly #ends: Counter;
  readonly #requeues: Counter;
  readonly #launchFailures: Counter;
  readonly #nodeFailures: Counter;

  constructor(registry: Registry) {
    const counter = (name: string, help: string, labelNames: string[] = []) =>
      new Counter({ name, help, labelNames, registers: [registry] });
    this.#submissions = counter('orrery_submissions_total', 'Jobs accepted.');
    this.#waits = new Histogram({
      name: 'orrery_queue_wait_seconds',
      help: 'How long jobs waited until their first attempt began while they could have run: not held, not for other jobs.',
      labelNames: ['partition'],
      buckets: WAIT_BUCKETS_SECONDS,
      registers: [registry],
    });
    this.#ends = counter('orrery_attempts_ended_total', 'Attempts that ended, by how: PREEMPTED, NODE_FAIL, ...', [
      'state',
    ]);
    // A series that begins with its first event has no increase.
    for (const state of END_STATES) this.#ends.inc({ state }, 0);
    this.#requeues = counter('orrery_requeues_total', 'Jobs put back in the queue after an attempt.');
    this.#launchFailures = counter(
      'orrery_launch_failures_total',
      'Jobs that were given nodes and could not be begun.',
    );
    this.#nodeFailures = counter('orrery_node_failures_total', 'Nodes that went down.');
  }

  /** `jobOf` gives a job as it is after all of the entries; undefined for one that is not there. */
  count(entries: readonly JournalEntry[], jobOf: (jobId: number) => CountedJob | undefined): void {
    for (const { record } of entries) {
      const { event } = record;
      switch (event.kind) {
        case 'JobSubmitted':
          // One without is an old job that begins anew.
          if (record.accepted !== undefined) this.#submissions.inc();
          break;
        case 'AttemptStarting': {
          const job = event.attempt === 1 ? jobOf(event.jobId) : undefined;
          if (job === undefined) break;
          const partition = this.#partitions.of(job.partition ?? 'none');
          this.#waits.observe({ partition }, job.row.queuedMs / 1000);
          break;
        }
        case 'AttemptEnded':
          this.#ends.inc({ state: event.state });
          break;
        case 'JobRequeued':
          this.#requeues.inc();
          break;
        case 'LaunchFailed':
          this.countLaunchFailure();
          break;
        case 'NodeFailed':
          this.#nodeFailures.inc();
          break;
        default:
          break;
      }
    }
  }

  /** One that is not in the journal: the job had no attempt yet. */
  countLaunchFailure(): void {
    this.#launchFailures.inc();
  }
}
