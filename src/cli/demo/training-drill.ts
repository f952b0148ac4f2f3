import type { JobDetail, SubmitRequest } from '../../contract/api.ts';
import type { OrreryClient } from '../../contract/client.ts';
import { OrreryError } from '../../contract/errors.ts';

/** What the drill tells while it runs. Steps are optimizer steps. */
export type DrillEvent =
  | { kind: 'submitted'; jobId: number }
  | { kind: 'started'; attempt: number; nodeList: readonly string[] }
  | { kind: 'progress'; attempt: number; step: number; steps: number; loss: number; samplesPerSecond: number }
  | { kind: 'nodeFailed'; nodeName: string; step: number; checkpointStep: number }
  | { kind: 'resumed'; attempt: number; step: number }
  | { kind: 'evaluated'; accuracy: number; accuracy30: number; labels: number };

export interface DrillReport {
  jobId: number;
  state: string;
  exitCode: number | null;
  attempts: { attempt: number; state: string; nodeList: readonly string[] }[];
  /** The node that was killed; null if the run ended before its turn came. */
  failedNode: string | null;
  steps: number;
  /** Newest step seen before the node was killed, and the checkpoint the next attempt began from. */
  stepAtFailure: number | null;
  resumedFromStep: number | null;
  stepsLost: number | null;
  /** From the kill to the first step after the resume. */
  downtimeSeconds: number | null;
  /** Effective training time ratio of the job, from the daemon's accounting. */
  ettr: number | null;
  languages: number | null;
  /** Macro accuracy on held-out articles, whole sentences and their first 30 characters; between 0 and 1. */
  accuracy: number | null;
  accuracy30: number | null;
}

const POLL_MS = 200;

/**
 * Submits a training job, kills the node of its last rank once it is past `failAt` (between 0 and 1) and between two checkpoints, and
 * follows it to its end. Progress is read as anyone would: from the API.
 */
export async function runDrill(
  client: OrreryClient,
  request: SubmitRequest,
  failAt: number,
  onEvent: (event: DrillEvent) => void,
): Promise<DrillReport> {
  const { jobs } = await client.submit(request);
  const jobId = jobs[0]?.id;
  if (jobId === undefined) throw new OrreryError('ORR_INTERNAL', 'the daemon acknowledged no job');
  onEvent({ kind: 'submitted', jobId });
  const watch = new Watch(client, jobId, failAt, onEvent);
  let job = await client.job(jobId);
  while (['PENDING', 'RUNNING', 'COMPLETING'].includes(job.state)) {
    await watch.look(job);
    await new Promise((resolve) => {
      setTimeout(resolve, POLL_MS);
    });
    job = await client.job(jobId);
  }
  await watch.look(job);
  const accounting = await client.accounting('job');
  return { ...watch.report(job), ettr: accounting.find((row) => row.key === String(jobId))?.ettr ?? null };
}

/** Follows one job's metrics, and pulls the plug once. */
class Watch {
  readonly #client: OrreryClient;
  readonly #jobId: number;
  readonly #failAt: number;
  readonly #onEvent: (event: DrillEvent) => void;
  #offset = 0;
  #seenAttempt = 0;
  #step = 0;
  #steps = 0;
  #checkpointStep = 0;
  /** Steps between the last two checkpoints; 0 before the first. */
  #checkpointInterval = 0;
  #failure: { nodeName: string; step: number; atMs: number } | null = null;
  #resumedFromStep: number | null = null;
  #downtimeSeconds: number | null = null;
  #evaluated: { accuracy: number; accuracy30: number; labels: number } | null = null;

  constructor(client: OrreryClient, jobId: number, failAt: number, onEvent: (event: DrillEvent) => void) {
    this.#client = client;
    this.#jobId = jobId;
    this.#failAt = failAt;
    this.#onEvent = onEvent;
  }

  async look(job: JobDetail): Promise<void> {
    if (job.state === 'RUNNING' && job.attempt > this.#seenAttempt) {
      this.#seenAttempt = job.attempt;
      this.#onEvent({ kind: 'started', attempt: job.attempt, nodeList: job.nodeList });
    }
    const { lines, nextOffset } = await this.#client.metrics(this.#jobId, this.#offset);
    this.#offset = nextOffset;
    for (const line of lines) this.#read(line);
    if (this.#failure === null && job.state === 'RUNNING' && this.#isTimeToFail()) await this.#fail(job);
  }

  report(job: JobDetail): Omit<DrillReport, 'ettr'> {
    const failure = this.#failure;
    const resumed = this.#resumedFromStep;
    return {
      jobId: this.#jobId,
      state: job.state,
      exitCode: job.exitCode,
      attempts: job.attempts.map(({ attempt, state, nodeList }) => ({ attempt, state, nodeList })),
      failedNode: failure?.nodeName ?? null,
      steps: this.#steps,
      stepAtFailure: failure?.step ?? null,
      resumedFromStep: resumed,
      stepsLost: failure === null || resumed === null ? null : Math.max(0, failure.step - resumed),
      downtimeSeconds: this.#downtimeSeconds,
      languages: this.#evaluated?.labels ?? null,
      accuracy: this.#evaluated?.accuracy ?? null,
      accuracy30: this.#evaluated?.accuracy30 ?? null,
    };
  }

  #read(line: Record<string, unknown>): void {
    const step = numberOf(line['step']);
    const attempt = numberOf(line['attempt']) || this.#seenAttempt;
    if (line['event'] === 'checkpoint') {
      this.#checkpointInterval = step - this.#checkpointStep;
      this.#checkpointStep = step;
    } else if (line['event'] === 'resumed') {
      this.#resumedFromStep = step;
      this.#step = step;
      this.#onEvent({ kind: 'resumed', attempt, step });
    } else if (line['event'] === 'evaluated') {
      const accuracy = numberOf(line['accuracy']);
      this.#evaluated = { accuracy, accuracy30: numberOf(line['accuracy30']), labels: numberOf(line['labels']) };
      this.#onEvent({ kind: 'evaluated', ...this.#evaluated });
    } else if (line['loss'] !== undefined) {
      if (this.#failure !== null && this.#resumedFromStep !== null && this.#downtimeSeconds === null) {
        this.#downtimeSeconds = (Date.now() - this.#failure.atMs) / 1000;
      }
      // Steps done between the decision to kill and death are lost too, or kept by a checkpoint that was still written.
      if (this.#failure !== null && this.#resumedFromStep === null) this.#failure.step = step;
      this.#step = step;
      this.#steps = numberOf(line['steps']);
      const { loss, samplesPerSecond } = line;
      const [lossValue, rate] = [numberOf(loss), numberOf(samplesPerSecond)];
      this.#onEvent({ kind: 'progress', attempt, step, steps: this.#steps, loss: lossValue, samplesPerSecond: rate });
    }
  }

  /**
   * Past its point, and well between two checkpoints: one is behind it, the next is not being written yet. So there is something to keep
   * and something to lose.
   */
  #isTimeToFail(): boolean {
    if (this.#steps === 0 || this.#step < this.#failAt * this.#steps) return false;
    const since = this.#step - this.#checkpointStep;
    return since >= 0.3 * this.#checkpointInterval && since <= 0.8 * this.#checkpointInterval;
  }

  async #fail(job: JobDetail): Promise<void> {
    const nodeName = job.nodeList.at(-1);
    if (nodeName === undefined) return;
    this.#failure = { nodeName, step: this.#step, atMs: Date.now() };
    await this.#client.failNode(nodeName, 'demo: power cut');
    this.#onEvent({ kind: 'nodeFailed', nodeName, step: this.#step, checkpointStep: this.#checkpointStep });
  }
}

function numberOf(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}
