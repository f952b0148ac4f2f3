import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseSlurmConf } from '../src/formats/slurm-conf.ts';
import { FairShare } from '../src/scheduler/fair-share.ts';
import { completePolicy } from '../src/scheduler/policy.ts';
import { ensureSlurmAccounting, type SlurmCluster, startSlurm } from './support/slurm-cluster.ts';

const isThere = ensureSlurmAccounting();

const user = (name: string, account: string, ...rest: readonly string[]) => [
  'add',
  'user',
  name,
  `account=${account}`,
  ...rest,
];
const ACCOUNTS = [
  ['add', 'account', 'a', 'fairshare=2'],
  ['add', 'account', 'b', 'fairshare=parent'],
  ['add', 'account', 'c', 'parent=b', 'fairshare=4'],
  ['add', 'account', 'd'],
  ['add', 'account', 'e'],
  user('root', 'a'),
  user('daemon', 'a', 'fairshare=parent'),
  user('bin', 'a', 'fairshare=parent'),
  user('root', 'b', 'fairshare=3'),
  user('daemon', 'b'),
  user('root', 'c', 'fairshare=parent'),
  user('bin', 'c'),
  user('root', 'd', 'fairshare=parent'),
  user('root', 'e'),
];
/** CPUs of a job of each for a moment. */
const USES = ['a/root/60', 'a/daemon/20', 'b/daemon/10', 'b/root/5', 'c/root/7', 'c/bin/3', 'd/root/15'] as const;

// Only root submits jobs of others.
describe.skipIf(!isThere || process.getuid?.() !== 0)('fair-share', () => {
  let slurm: SlurmCluster;
  beforeAll(async () => {
    slurm = await startSlurm({
      nodes: 1,
      cpusPerNode: 128,
      confLines: ['PriorityType=priority/multifactor', 'PriorityWeightFairshare=1000', 'PriorityCalcPeriod=1'],
      accounting: ACCOUNTS,
    });
    for (const use of USES) {
      const [account, name, cpus] = use.split('/');
      const args = [`-A${account}`, `--uid=${name}`, `-n${cpus}`, '-o/dev/null', '-D/', '--wrap=sleep 6'];
      execFileSync('/usr/bin/sbatch', args, { env: slurm.env, stdio: 'ignore' });
    }
    const left = () => execFileSync('/usr/bin/squeue', ['-h'], { env: slurm.env, encoding: 'utf8' });
    await vi.waitUntil(() => left() === '', { timeout: 60_000, interval: 500 });
  }, 180_000);
  afterAll(() => slurm?.stop());

  it.each(['FAIR_TREE', 'NO_FAIR_TREE'])(
    'gives everyone the factor that a controller gives, also those with the share of their parent: %s',
    async (flag) => {
      const path = join(slurm.folder, 'slurm.conf');
      const text = readFileSync(path, 'utf8').replace(/^PriorityFlags=.*\n/, '');
      // It works factors out as it starts.
      await slurm.endController();
      writeFileSync(path, flag === 'FAIR_TREE' ? text : `PriorityFlags=${flag}\n${text}`);
      slurm.startController();
      const look = () => {
        const theirs = factorsOf(slurm);
        return { theirs, ours: ourFactors(slurm, theirs) };
      };
      const differences = () => {
        const { theirs, ours } = look();
        if (theirs.every(({ usage }) => usage === 0)) return ['nothing is used'];
        return theirs.filter(({ factor }, index) => !(Math.abs(factor - (ours[index] ?? NaN)) < 0.01));
      };
      await expect.poll(differences, { timeout: 120_000, interval: 500 }).toEqual([]);
      const { theirs } = look();
      expect(theirs.map(({ who }) => who)).toContain('daemon in a');
      expect(new Set(theirs.map(({ factor }) => factor)).size).toBeGreaterThan(5);
    },
    180_000,
  );
});

interface Seen {
  who: string;
  account: string;
  user: string;
  usage: number;
  factor: number;
}

function factorsOf({ env }: SlurmCluster): Seen[] {
  const args = ['-a', '-h', '-P', '-o', 'Account,User,RawUsage,FairShare'];
  const { stdout } = spawnSync('/usr/bin/sshare', args, { env, encoding: 'utf8', timeout: 20_000 });
  return stdout.split('\n').flatMap((line) => {
    const [account = '', name = '', usage, factor] = line.split('|').map((field) => field.trim());
    if (name === '') return [];
    return { who: `${name} in ${account}`, account, user: name, usage: Number(usage), factor: Number(factor) };
  });
}

/** Of the same use, under what Slurm's own files and dumps say. */
function ourFactors({ env, folder }: SlurmCluster, seen: readonly Seen[]): number[] {
  const conf = { name: 'slurm.conf', text: readFileSync(join(folder, 'slurm.conf'), 'utf8') };
  const args = ['-P', 'show', 'assoc', 'tree'];
  const associations = { name: 'assoc', text: execFileSync('/usr/bin/sacctmgr', args, { env, encoding: 'utf8' }) };
  const fairShare = new FairShare(completePolicy(parseSlurmConf({ conf, associations }).policy));
  for (const { account, user: name, usage } of seen) {
    // Of what was used it shows the whole seconds.
    fairShare.carry(fairShare.association(account, name), usage === 0 ? 0 : usage + 0.5, 0);
  }
  fairShare.recalculate(0);
  return seen.map(({ account, user: name }) => fairShare.factor(fairShare.association(account, name)));
}
