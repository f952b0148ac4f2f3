import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { FairShare } from '../src/scheduler/fair-share.ts';
import { completePolicy } from '../src/scheduler/policy.ts';
import { type Asked, answersOf, schedulerOf, settingsOf, submit } from './support/slurm-answers.ts';
import { ensureSlurmAccounting, type SlurmCluster, startSlurm } from './support/slurm-cluster.ts';

const isThere = ensureSlurmAccounting();

const QOS: Readonly<Record<string, readonly string[]>> = {
  used: ['GrpTRESMins=cpu=1'],
  left: ['GrpTRESMins=cpu=1000'],
  wall: ['GrpWall=1', 'UsageFactor=60'],
  factor: ['GrpTRESMins=cpu=10', 'UsageFactor=60'],
  memory: ['GrpTRESMins=mem=1'],
  nodes: ['GrpTRESMins=node=1', 'UsageFactor=60'],
  kept: ['GrpTRESMins=cpu=1', 'Flags=NoDecay'],
  none: ['GrpTRESMins=cpu=0'],
  partly: ['GrpTRESMins=cpu=1000,mem=1'],
  ofpart: ['GrpTRESMins=cpu=1'],
  ending: ['GrpTRESMins=cpu=1'],
  hour: ['GrpTRESMins=cpu=60'],
  hourwall: ['GrpWall=60'],
  double: ['GrpTRESMins=cpu=1000', 'UsageFactor=2'],
  halfhour: ['GrpWall=30'],
  halfhourmost: ['GrpWall=30', 'MaxWall=40'],
  mosthalfhour: ['GrpWall=40', 'MaxWall=30'],
  denyjob: ['MaxTRESMinsPerJob=cpu=60', 'Flags=DenyOnLimit'],
  denyahead: ['GrpTRESRunMins=cpu=60', 'Flags=DenyOnLimit'],
  denyused: ['GrpTRESMins=cpu=60', 'Flags=DenyOnLimit'],
  denyall: ['GrpTRESMins=cpu=60', 'MaxTRESMinsPerJob=cpu=20', 'MaxWall=15', 'Flags=DenyOnLimit'],
  aheaddouble: ['GrpTRESRunMins=cpu=100', 'UsageFactor=2'],
  safehour: ['GrpTRESMins=cpu=60'],
  safewall: ['GrpWall=60'],
  safedouble: ['GrpTRESMins=cpu=1000', 'UsageFactor=2'],
};
const ALL_QOS = `qos=${['normal', ...Object.keys(QOS)].join(',')}`;
/** Jobs that have run for two seconds or more before others are looked at. */
const HISTORY: readonly Asked[] = [
  ...['used', 'left', 'kept'].map((qos) => ({ qos, cpus: 64 })),
  ...['wall', 'nodes'].map((qos) => ({ qos })),
  { qos: 'factor', cpus: 8 },
  ...['memory', 'partly'].map((qos) => ({ qos, mebibytes: 100 })),
  ...['own', 'low'].map((account) => ({ account, cpus: 64 })),
  { partition: 'part', cpus: 64 },
];
const AFTERWARDS: readonly Asked[] = [
  ...Object.keys(QOS)
    .filter((qos) => !/^(?:deny|safe)/.test(qos))
    .map((qos) => ({ qos, minutes: 70 })),
  ...['own', 'low', 'beside', 'top'].map((account) => ({ account })),
  ...['left', 'used'].map((qos) => ({ account: 'low', qos })),
  { account: 'own', qos: 'left' },
  { partition: 'part' },
  { partition: 'part', qos: 'left' },
  { qos: 'ofpart' },
];
/** None says how long it may run. */
const ENDLESS: readonly Asked[] = [
  ...['halfhour', 'halfhourmost', 'mosthalfhour', 'hour'].map((qos) => ({ qos })),
  ...['denyjob', 'denyahead', 'denyused', 'denyall'].map((qos) => ({ qos, cpus: 7 })),
  ...['denyjob', 'denyall'].map((qos) => ({ qos })),
  ...['timed', 'tight'].map((partition) => ({ partition, qos: 'denyjob' })),
  { partition: 'timed', qos: 'denyused', cpus: 2 },
  { account: 'walls' },
  { account: 'wallsbelow' },
  { account: 'walls', qos: 'halfhour' },
  ...['timed', 'tight'].flatMap((partition) => ['halfhour', 'normal'].map((qos) => ({ partition, qos }))),
  { partition: 'tight', account: 'walls' },
];
/** Where limits are safe, minutes still to come count too. Nothing ran before in these QOS: on a slow machine it would have used a minute. */
const SAFE: readonly Asked[] = [
  ...[61, 60, 5].map((minutes) => ({ qos: 'safehour', minutes })),
  { qos: 'safehour' },
  ...[61, 60, 50].map((minutes) => ({ qos: 'safewall', minutes })),
  ...[499, 10].map((minutes) => ({ qos: 'safedouble', cpus: 2, minutes })),
  ...[101, 90, 10].map((minutes) => ({ qos: 'aheaddouble', minutes })),
  { account: 'hourown', minutes: 61 },
  ...[40, 15, 30].map((minutes) => ({ account: 'hourown', minutes })),
  { account: 'hourown', qos: 'left', minutes: 70 },
  { qos: 'none', minutes: 1 },
];

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
  ...Object.entries(QOS).map(([name, limits]) => ['add', 'qos', name, ...limits]),
  ['add', 'account', 'vision', ALL_QOS],
  ['add', 'account', 'own', ALL_QOS],
  ['add', 'account', 'top', ALL_QOS, 'GrpTRESMins=cpu=1'],
  ['add', 'account', 'low', 'parent=top', ALL_QOS],
  ['add', 'account', 'beside', 'parent=top', ALL_QOS],
  ['add', 'account', 'hourown', ALL_QOS, 'GrpTRESMins=cpu=60'],
  ['add', 'account', 'walls', ALL_QOS, 'GrpWall=50'],
  ['add', 'account', 'wallsbelow', 'parent=walls', ALL_QOS],
  user('root', 'walls', 'GrpWall=45'),
  user('root', 'wallsbelow'),
  ...['vision', 'top', 'low', 'beside', 'hourown'].map((account) => user('root', account)),
  user('root', 'own', 'GrpTRESMins=cpu=1'),
];
/** Jobs of a moment each, from which the usage of fair-share comes. */
const USES: readonly (readonly [account: string, user: string, cpus: number])[] = [
  ['a', 'root', 60],
  ['a', 'daemon', 20],
  ['b', 'daemon', 10],
  ['b', 'root', 5],
  ['c', 'root', 7],
  ['c', 'bin', 3],
  ['d', 'root', 15],
];

// Only root submits jobs of others.
describe.skipIf(!isThere || process.getuid?.() !== 0)('what was used', () => {
  let slurm: SlurmCluster;
  beforeAll(async () => {
    slurm = await startSlurm({
      nodes: 1,
      cpusPerNode: 1024,
      confLines: [
        'PriorityType=priority/multifactor',
        'PriorityWeightFairshare=1000',
        'PriorityCalcPeriod=1',
        'SelectTypeParameters=CR_CPU_Memory',
        'DefMemPerCPU=1',
        'SchedulerParameters=bf_interval=1,bf_resolution=1,sched_interval=1,batch_sched_delay=1',
        'PartitionName=all Nodes=ALL Default=YES',
        'PartitionName=part Nodes=ALL QOS=ofpart',
        'PartitionName=timed Nodes=ALL DefaultTime=20',
        'PartitionName=tight Nodes=ALL MaxTime=25',
      ],
      accounting: ACCOUNTS,
    });
    for (const [account, name, cpus] of USES) {
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

  it('keeps jobs waiting for limits on used minutes, and ends what runs, as a controller does', async () => {
    const scheduler = schedulerOf(slurm);
    const running = submit(slurm, { qos: 'ending' }).stdout.trim();
    const stateOf = (id: string) =>
      execFileSync('/usr/bin/squeue', ['-h', '-tall', `-j${id}`, '-o%T'], { env: slurm.env, encoding: 'utf8' }).trim();
    await expect.poll(() => stateOf(running), { timeout: 60_000 }).toBe('RUNNING');
    scheduler.submit(1, { qos: 'ending' });
    const history = [...HISTORY, { qos: 'ending', cpus: 64 }];
    const ids = history.map((asked) => submit(slurm, asked, 'sleep 2').stdout.trim());
    for (const [index, asked] of history.entries()) scheduler.run(2 + index * 3000, asked, 2);
    // One that a calculation finds running may be ended.
    const areOver = () => ids.map(stateOf).every((state) => /^(?:COMPLETED|TIMEOUT)$/.test(state));
    await expect.poll(areOver, { timeout: 60_000 }).toBe(true);
    expect(scheduler.ending(1)).toBe('TIMEOUT');
    await expect.poll(() => stateOf(running), { timeout: 120_000 }).toBe('TIMEOUT');
    const firstId = 2 + history.length * 3000;
    const { ours, theirs } = await answersOf(slurm, AFTERWARDS, 'reason', scheduler, firstId);
    expect(theirs).toEqual(ours);
    expect(new Set(ours).size).toBeGreaterThan(5);
  }, 300_000);

  it('gives a job that asks for no time what the wall clock of all may be, as a controller does', async () => {
    const { ours, theirs } = await answersOf(slurm, ENDLESS, 'start');
    expect(theirs).toEqual(ours);
  }, 240_000);

  it('lets those start alone that can run to their end where limits are safe, as a controller does', async () => {
    await slurm.endController();
    const path = join(slurm.folder, 'slurm.conf');
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replace(/^(AccountingStorageEnforce=.*)$/m, '$1,safe'));
    slurm.startController();
    const idleNodes = () => spawnSync('/usr/bin/sinfo', ['-h', '-tidle', '-o%D'], { env: slurm.env, encoding: 'utf8' });
    await expect.poll(() => idleNodes().stdout.trim().split('\n')[0], { timeout: 60_000 }).toBe('1');
    const { ours, theirs } = await answersOf(slurm, SAFE, 'reason');
    expect(theirs).toEqual(ours);
    expect(new Set(ours).size).toBeGreaterThan(3);
  }, 240_000);
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
function ourFactors(slurm: SlurmCluster, seen: readonly Seen[]): number[] {
  const fairShare = new FairShare(completePolicy(settingsOf(slurm).policy));
  for (const { account, user: name, usage } of seen) {
    // Of what was used it shows the whole seconds.
    fairShare.carry(fairShare.association(account, name), usage === 0 ? 0 : usage + 0.5, 0);
  }
  fairShare.recalculate(0);
  return seen.map(({ account, user: name }) => fairShare.factor(fairShare.association(account, name)));
}
