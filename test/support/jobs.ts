import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { JobSpecInput } from '../../src/contract/job.ts';
import type { OrreryClient } from '../../src/contract/client.ts';
import { until } from './daemon.ts';

const LINES = 20;
const ENDED = ['COMPLETED', 'FAILED', 'CANCELLED', 'TIMEOUT', 'PREEMPTED', 'NODE_FAIL', 'OUT_OF_MEMORY'];

/**
 * A job that leaves evidence: one line in a ledger when it runs, numbered lines on stdout with a pause in the middle, and an exit
 * status that follows from its index (every seventh fails with 3).
 */
export function evidenceJob(index: number, ledger: string): JobSpecInput {
  const script = [
    '#!/bin/sh',
    'echo "$ORRERY_JOB_ID $ORRERY_ATTEMPT" >> "$LEDGER"',
    'i=0',
    `while [ $i -lt ${LINES} ]; do echo "line $i"; i=$((i+1)); [ $i -eq 10 ] && sleep 0.05; done`,
    'exit "$STATUS"',
  ].join('\n');
  return { name: `evidence-${index}`, script: `${script}\n`, env: { LEDGER: ledger, STATUS: String(statusOf(index)) } };
}

export function statusOf(index: number): number {
  return index % 7 === 6 ? 3 : 0;
}

export function makeLedger(home: string): string {
  const ledger = join(home, 'ledger');
  appendFileSync(ledger, '');
  return ledger;
}

/** True once every job has ended. */
export async function haveEnded(client: OrreryClient, ids: readonly number[]): Promise<boolean> {
  const jobs = await client.jobs({ all: true });
  const states = new Map(jobs.map((job) => [job.id, job.state]));
  return ids.every((id) => ENDED.includes(states.get(id) ?? ''));
}

/** Submits a job that needs little memory, unless it says; its id. */
export async function submitJob(client: OrreryClient, job: JobSpecInput): Promise<number> {
  const { jobs } = await client.submit({ jobs: [{ memory: '16M', ...job }], environment: { PATH: '/usr/bin:/bin' } });
  return jobs[0]?.id ?? 0;
}

/** The job, once it has ended. Throws what it waits for where it does not end in time. */
export async function endOf(client: OrreryClient, id: number, timeoutMs = 120_000) {
  await until(() => haveEnded(client, [id]), `job ${id} to end`, timeoutMs).catch(async (error: unknown) => {
    throw new Error((await client.why(id)).detail.join(' '), { cause: error });
  });
  return client.job(id);
}

/** Every job ended once and in the right state, ran exactly once by the ledger, and its log has every line in order. */
export async function expectAllWell(client: OrreryClient, ids: readonly number[], ledger: string): Promise<void> {
  const jobs = new Map((await client.jobs({ all: true })).map((job) => [job.id, job]));
  const ran = existsSync(ledger)
    ? readFileSync(ledger, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
    : [];
  const runsOf = (id: number) => ran.filter((line) => line.startsWith(`${id} `));
  for (const [index, id] of ids.entries()) {
    const job = jobs.get(id);
    const status = statusOf(index);
    expect({ id, state: job?.state, exitCode: job?.exitCode, runs: runsOf(id).length }).toEqual({
      id,
      state: status === 0 ? 'COMPLETED' : 'FAILED',
      exitCode: status,
      runs: 1,
    });
    expect(`${id}: ${await readLog(client, id)}`).toBe(
      `${id}: ${Array.from({ length: LINES }, (_, line) => `line ${line}\n`).join('')}`,
    );
  }
}

export async function readLog(client: OrreryClient, id: number): Promise<string> {
  let text = '';
  for await (const chunk of client.logs(id, { stream: 'stdout' })) text += chunk.text;
  return text;
}
