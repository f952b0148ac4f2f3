import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeHome, removeHome, startDaemon } from './support/daemon.ts';
import {
  expectResumed,
  hasReached,
  type LanguagesJob,
  makeLanguagesJob,
  submitLanguages,
  weightsOf,
  type World,
} from './support/languages-gang.ts';
import { ensureSlurmAccounting, type SlurmCluster, startSlurm } from './support/slurm-cluster.ts';
import { QUICK_LINES, researchAccount, startSlurmDaemon } from './support/slurm-daemon.ts';

/** The node is lost once the gang is so far. */
const LOST_AT = 70;
const TIMEOUT_MS = 240_000;

let slurm: SlurmCluster;
let onSlurm: World;
let here: World;
let languages: LanguagesJob;

beforeAll(async () => {
  if (!ensureSlurmAccounting()) throw new Error('Slurm and slurmdbd are needed');
  languages = await makeLanguagesJob();
  const homes = { slurm: makeHome(), here: makeHome() };
  slurm = await startSlurm({
    nodes: 7,
    cpusPerNode: 1,
    gpusPerNode: 1,
    credentialSeconds: 5,
    confLines: [...QUICK_LINES, 'SlurmdTimeout=5'],
    accounting: researchAccount('root'),
  });
  onSlurm = { home: homes.slurm, daemon: await startSlurmDaemon(homes.slurm, slurm) };
  here = { home: homes.here, daemon: await startDaemon(homes.here, {}, ['--nodes', '4']) };
}, 180_000);
afterAll(async () => {
  for (const world of [onSlurm, here]) {
    world?.daemon.process.kill('SIGKILL');
    await world?.daemon.exited;
  }
  await slurm?.stop();
  for (const home of [onSlurm?.home, here?.home, languages?.folder]) if (home) await removeHome(home);
}, 60_000);

describe('the languages job as a gang of four nodes on Slurm', () => {
  let undisturbed = '';

  it(
    'ends with the weights of the local backend where nothing happens',
    async () => {
      const ids = [await submitLanguages(here, languages), await submitLanguages(onSlurm, languages)] as const;
      undisturbed = await weightsOf(here, ids[0], TIMEOUT_MS);
      expect(await weightsOf(onSlurm, ids[1], TIMEOUT_MS)).toBe(undisturbed);
      expect(await onSlurm.daemon.client.job(ids[1])).toMatchObject({ state: 'COMPLETED', attempt: 1, nodes: 4 });
    },
    2 * TIMEOUT_MS,
  );

  it.each([
    { which: 'the node of its last rank', place: 3, isBack: false },
    { which: 'the node of its batch script and first rank', place: 0, isBack: false },
    // Slurm never calls it down, and the job FAILED.
    { which: 'for a moment the node of its last rank', place: 3, isBack: true },
  ])(
    'loses $which, is requeued without it, resumes and ends with the same weights',
    async ({ place, isBack }) => {
      const { client } = onSlurm.daemon;
      const id = await submitLanguages(onSlurm, languages);
      const stepAtLoss = await hasReached(onSlurm, id, LOST_AT, TIMEOUT_MS);
      const lost = (await client.job(id)).nodeList[place] ?? '';
      const killedMs = Date.now();
      await slurm.killNode(lost);
      if (isBack) slurm.startNode(lost);

      const weights = await weightsOf(onSlurm, id, TIMEOUT_MS);
      const job = await client.job(id);
      expect(job.attempts).toMatchObject([{ state: 'NODE_FAIL' }, { state: 'COMPLETED' }]);
      expect(job).toMatchObject({ state: 'COMPLETED', exitCode: 0, attempt: 2, requeues: 1 });
      expect(job.nodeList).toHaveLength(4);
      expect(job.nodeList).not.toContain(lost);
      const resumedFrom = await expectResumed(onSlurm, id, stepAtLoss);
      expect(weights).toBe(undisturbed);
      const again = (Number(job.attempts[1]?.startTime) * 1000 - killedMs) / 1000;
      process.stderr.write(
        `${lost} lost at step ${stepAtLoss}, again on ${job.nodeList.join(', ')} ${again.toFixed(1)} s later from step ${resumedFrom}\n`,
      );
    },
    2 * TIMEOUT_MS,
  );
});
