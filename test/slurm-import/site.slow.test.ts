import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { importCluster } from '../../src/cli/slurm-import/import-cluster.ts';
import { recipe } from '../../src/backend/slurm/saved/saved-files.ts';
import type { RecordedWaits } from '../../src/twin/report.ts';
import { goFirst } from '../support/go-first.ts';
import { ensureSlurmAccounting } from '../support/slurm-cluster.ts';
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
let recorded: ImportedSite | null = null;

interface ImportedSite {
  /** What the import wrote: in the midst of the workload, as people run it. */
  out: string;
  /** What it printed. */
  report: unknown;
  /** What its recipe saved, run by an ordinary user at the same time. */
  saved: string;
  site: SiteRecord;
}

async function recordImported(name: string, seed: number): Promise<ImportedSite> {
  const [out, own] = [join(folder, name, 'out'), join(folder, name, 'own')];
  mkdirSync(own, { recursive: true });
  chmodSync(own, 0o777);
  let report: unknown = null;
  const restore = goFirst();
  try {
    const site = await recordSite({ ...SITE_RUN, seed }, async (slurm) => {
      const command = [MAIN, 'clusters', 'import', '--from', 'slurm', '--out', out, '--days', '1', '--json'];
      const { stdout } = await run(process.execPath, command, { env: slurm.env });
      report = JSON.parse(stdout);
      // User `games` of Debian, who may not more than anybody.
      await run('/bin/sh', ['-c', recipe(1)], { cwd: own, env: slurm.env, uid: 5, gid: 60 });
    });
    return { out, report, saved: join(own, 'saved'), site };
  } finally {
    restore();
  }
}

beforeAll(async () => {
  chmodSync(folder, 0o755);
  if (isThere) recorded = await recordImported('first', WORKLOAD_SEED);
}, 600_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function first(): ImportedSite {
  if (recorded === null) throw new Error('nothing was recorded');
  return recorded;
}

it.skipIf(!isThere)('imports all that a cluster shows', () => {
  const { report } = first();
  expect(report).toMatchObject({
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
  const { running, pending } = z.object({ running: z.number(), pending: z.number() }).parse(report);
  expect(running).toBeGreaterThan(20);
  expect(pending).toBeGreaterThan(20);
});

it.skipIf(!isThere)('imports the same from what an ordinary user saved', async () => {
  const { out, saved } = first();
  const second = join(folder, 'second');
  const report = await importCluster({ out: second, saved, days: 1 });
  expect(report.missing).toEqual([]);
  const text = (where: string, name: string) => readFileSync(join(where, name), 'utf8').replace(/^#.*\n/, '');
  for (const name of ['cluster.yaml', 'policy.yaml']) expect(text(second, name)).toBe(text(out, name));
  expect(readdirSync(second).toSorted()).toEqual(readdirSync(out).toSorted());
});

it.skipIf(!isThere)('makes every pass as the controller made it', () => {
  const { out, site } = first();
  const { plans, samePlans, mainPasses, sameMainPasses } = replaySitePasses(out, site);
  process.stderr.write(`backfill ${samePlans} of ${plans}, main scheduler ${sameMainPasses} of ${mainPasses}\n`);
  expect(plans).toBeGreaterThan(200);
  expect(samePlans / plans).toBeGreaterThan(0.97);
  expect(mainPasses).toBeGreaterThan(5);
  expect(sameMainPasses / mainPasses).toBeGreaterThan(0.9);
});

it.skipIf(!isThere)(
  `predicts how long the next 200 jobs wait (seed ${WORKLOAD_SEED})`,
  async () => {
    const waits = [await predicted(first(), WORKLOAD_SEED)];
    // A real Slurm's means differ by some 5 % from run to run of one workload: beyond the bound a second workload tells chance from a lean.
    if (Math.abs(difference(waits)) > BOUND) {
      waits.push(await predicted(await recordImported('again', WORKLOAD_SEED + 1), WORKLOAD_SEED + 1));
    }
    expect(Math.abs(difference(waits))).toBeLessThan(BOUND);
  },
  600_000,
);

const BOUND = 0.1;

async function predicted({ out, site }: ImportedSite, seed: number): Promise<RecordedWaits> {
  const waits = await predictNext(out, site);
  process.stderr.write(`${waitTable(`seed ${seed}`, waits)}\n`);
  expect(waits.jobs).toBeGreaterThanOrEqual(195);
  expect(waits.recordedMeanSeconds).toBeGreaterThan(10);
  return waits;
}

/** By how much the twin's waits are longer than Slurm's, as a share of these: of the jobs of all runs together. */
function difference(waits: readonly RecordedWaits[]): number {
  const total = (secondsOf: (one: RecordedWaits) => number) =>
    waits.reduce((sum, one) => sum + one.jobs * secondsOf(one), 0);
  return total(({ meanSeconds }) => meanSeconds) / total(({ recordedMeanSeconds }) => recordedMeanSeconds) - 1;
}

it.skipIf(!isThere)('goes on from the import with the accounting of later, in one command', async () => {
  const { out, site } = first();
  const trace = join(folder, 'after.txt');
  writeFileSync(trace, site.after);
  const command = [MAIN, 'sim', '--scenario', join(out, 'now.yaml'), '--trace', trace, '--json'];
  const { stdout } = await run(process.execPath, command, { maxBuffer: 1 << 26 });
  const { recorded: waits } = z.object({ recorded: z.object({ jobs: z.number() }) }).parse(JSON.parse(stdout));
  expect(waits.jobs).toBeGreaterThanOrEqual(195);
});
