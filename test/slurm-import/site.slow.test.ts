import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { importCluster } from '../../src/cli/slurm-import/import-cluster.ts';
import { recipe } from '../../src/backend/slurm/saved/saved-files.ts';
import { goFirst } from '../support/go-first.ts';
import { ensureSlurmAccounting, type SlurmCluster } from '../support/slurm-cluster.ts';
import { WORKLOAD_SEED } from '../support/workload-seed.ts';
import { predictNext, waitTable } from './compare.ts';
import { replaySitePasses } from './passes.ts';
import { recordSite, SITE_RUN, type SiteRecord } from './record.ts';

const run = promisify(execFile);
const MAIN = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');
// Only root may submit in the name of several users.
const isThere = userInfo().uid === 0 && ensureSlurmAccounting();
if (!isThere) process.stderr.write('There is no Slurm here, or no root: nothing is imported from a real one\n');

const folder = mkdtempSync(join(tmpdir(), 'orrery-site-'));
const out = join(folder, 'out');
const live: { report: unknown } = { report: null };
let site: SiteRecord | null = null;

beforeAll(async () => {
  if (!isThere) return;
  chmodSync(folder, 0o755);
  const restore = goFirst();
  try {
    site = await recordSite({ ...SITE_RUN, seed: WORKLOAD_SEED }, importBoth);
  } finally {
    restore();
  }
}, 600_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** In the midst of the workload: the import as people run it, and the recipe as an ordinary user. */
async function importBoth(slurm: SlurmCluster): Promise<void> {
  const command = [MAIN, 'clusters', 'import', '--from', 'slurm', '--out', out, '--days', '1', '--json'];
  const { stdout } = await run(process.execPath, command, { env: slurm.env });
  live.report = JSON.parse(stdout);
  const own = join(folder, 'own');
  mkdirSync(own);
  chmodSync(own, 0o777);
  // User `games` of Debian, who may not more than anybody.
  await run('/bin/sh', ['-c', recipe(1)], { cwd: own, env: slurm.env, uid: 5, gid: 60 });
}

it.skipIf(!isThere)('imports all that a cluster shows', () => {
  expect(live.report).toMatchObject({
    cluster: 'side_by_side',
    nodes: 32,
    gpus: 256,
    nodesOut: 0,
    partitions: ['train', 'shared', 'debug'],
    qos: ['normal', 'high'],
    accounts: 2,
    users: 5,
    leaves: 4,
    missing: [],
  });
  const { running, pending } = z.object({ running: z.number(), pending: z.number() }).parse(live.report);
  expect(running).toBeGreaterThan(20);
  expect(pending).toBeGreaterThan(20);
});

it.skipIf(!isThere)('imports the same from what an ordinary user saved', async () => {
  const second = join(folder, 'second');
  const report = await importCluster({ out: second, saved: join(folder, 'own', 'saved'), days: 1 });
  expect(report.missing).toEqual([]);
  const text = (where: string, name: string) => readFileSync(join(where, name), 'utf8').replace(/^#.*\n/, '');
  for (const name of ['cluster.yaml', 'policy.yaml']) expect(text(second, name)).toBe(text(out, name));
  expect(readdirSync(second).toSorted()).toEqual(readdirSync(out).toSorted());
});

it.skipIf(!isThere)('makes every pass as the controller made it', () => {
  if (site === null) throw new Error('nothing was recorded');
  const { plans, samePlans, mainPasses, sameMainPasses } = replaySitePasses(out, site);
  process.stderr.write(`backfill ${samePlans} of ${plans}, main scheduler ${sameMainPasses} of ${mainPasses}\n`);
  expect(plans).toBeGreaterThan(200);
  expect(samePlans / plans).toBeGreaterThan(0.97);
  expect(mainPasses).toBeGreaterThan(5);
  // A pass that a submission or an end came into is read as two.
  expect(sameMainPasses / mainPasses).toBeGreaterThan(0.8);
});

it.skipIf(!isThere)(`predicts how long the next 200 jobs wait (seed ${WORKLOAD_SEED})`, async () => {
  if (site === null) throw new Error('nothing was recorded');
  const waits = await predictNext(out, site);
  process.stderr.write(`${waitTable(`seed ${WORKLOAD_SEED}`, waits)}\n`);
  expect(waits.jobs).toBeGreaterThanOrEqual(195);
  expect(waits.recordedMeanSeconds).toBeGreaterThan(10);
  expect(Math.abs(waits.difference ?? 1)).toBeLessThan(0.1);
});

it.skipIf(!isThere)('goes on from the import with the accounting of later, in one command', async () => {
  const trace = join(folder, 'after.txt');
  writeFileSync(trace, site?.after ?? '');
  const command = [MAIN, 'sim', '--scenario', join(out, 'now.yaml'), '--trace', trace, '--json'];
  const { stdout } = await run(process.execPath, command, { maxBuffer: 1 << 26 });
  const { recorded } = z.object({ recorded: z.object({ jobs: z.number() }) }).parse(JSON.parse(stdout));
  expect(recorded.jobs).toBeGreaterThanOrEqual(195);
});
