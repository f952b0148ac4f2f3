import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JobDetail, JobSummary, SubmitRequest } from '../contract/api.ts';
import { createClient, type OrreryClient } from '../contract/client.ts';
import type { JobSpecInput } from '../contract/job.ts';
import { type Daemon, type DaemonOptions, runDaemon } from './run-daemon.ts';

/** For tests: a real daemon in this process with a home of its own, and a client for it. */
export class DaemonFixture {
  readonly home = mkdtempSync(join(tmpdir(), 'orrery-daemon-'));
  readonly #options: Partial<DaemonOptions>;
  #daemon: Daemon | undefined;
  #client: OrreryClient | undefined;

  constructor(options: Partial<DaemonOptions> = {}) {
    this.#options = options;
  }

  get daemon(): Daemon {
    if (this.#daemon === undefined) throw new Error('the daemon is not started');
    return this.#daemon;
  }

  get client(): OrreryClient {
    if (this.#client === undefined) throw new Error('the daemon is not started');
    return this.#client;
  }

  async start(): Promise<void> {
    this.#daemon = await runDaemon({ home: this.home, port: 0, nodeCount: 2, ...this.#options });
    this.#client = createClient(this.#daemon);
  }

  /** Ends all jobs and removes the home. */
  async remove(): Promise<void> {
    await this.#daemon?.close({ cancel: true });
    rmSync(this.home, { recursive: true, force: true });
  }

  /** Submits one job that runs a shell text; gives its id. */
  async sh(text: string, spec: Partial<JobSpecInput> = {}, environment: Record<string, string> = {}): Promise<number> {
    return this.submit({ jobs: [{ command: ['/bin/sh', '-c', text], memory: '64M', ...spec }], environment });
  }

  async submit(request: SubmitRequest): Promise<number> {
    const { jobs } = await this.client.submit(request);
    return jobs[0]?.id ?? 0;
  }

  /** Asks until the job is in the state. */
  until(jobId: number, state: JobSummary['state']): Promise<JobDetail> {
    return this.untilTrue(jobId, (job) => job.state === state);
  }

  async untilTrue(jobId: number, isSo: (job: JobDetail) => boolean): Promise<JobDetail> {
    for (;;) {
      const job = await this.client.job(jobId);
      if (isSo(job)) return job;
      await new Promise((resolve) => {
        setTimeout(resolve, 20);
      });
    }
  }

  /** What the job's tasks wrote to one stream, all ranks and attempts together. */
  async output(jobId: number, stream: 'stdout' | 'stderr' = 'stdout'): Promise<string> {
    let text = '';
    for await (const chunk of this.client.logs(jobId, { follow: true, stream })) text += chunk.text;
    return text;
  }

  /** Follows the job's output until it contains `text`. */
  async untilSaid(jobId: number, text: string): Promise<void> {
    let said = '';
    for await (const chunk of this.client.logs(jobId, { follow: true })) {
      said += chunk.text;
      if (said.includes(text)) return;
    }
    throw new Error(`job ${jobId} ended and did not say ${text}, but: ${said}`);
  }

  /** A request as it is, without the client. */
  fetch(
    path: string,
    init: Omit<RequestInit, 'headers'> & { headers?: Record<string, string> } = {},
  ): Promise<Response> {
    const headers = { authorization: `Bearer ${this.daemon.token}`, ...init.headers };
    return fetch(`${this.daemon.url}${path}`, { ...init, headers });
  }
}
