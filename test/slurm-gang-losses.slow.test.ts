import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { makeHome, removeHome, sleep, startDaemon } from './support/daemon.ts';
import {
  expectResumed,
  hasReached,
  type LanguagesJob,
  makeLanguagesJob,
  submitLanguages,
  weightsOf,
  type World,
} from './support/languages-gang.ts';
import { readProcesses } from './support/processes.ts';
import { ensureSlurmAccounting, type SlurmCluster, startSlurm } from './support/slurm-cluster.ts';
import { QUICK_LINES, researchAccount, startSlurmDaemon } from './support/slurm-daemon.ts';

/**
 * What `slurm-gang` does with short times, with those that Slurm has by default: ten minutes of waiting, asked for by hand, `ORRERY_GANG_LOSSES=yes`. Each gang
 * has a partition of its own, with `ORRERY_GANG_SPARES` nodes beside its four (2; with 0 the node that was lost comes back after a minute), and
 * `ORRERY_GANG_RETURN_TO_SERVICE` is Slurm's `ReturnToService` (0).
 */
const IS_WANTED = process.env['ORRERY_GANG_LOSSES'] === 'yes';
if (!IS_WANTED)
  process.stderr.write('Gangs under the timings of Slurm are tried with ORRERY_GANG_LOSSES=yes alone: ten minutes\n');
const SPARES = Number(process.env['ORRERY_GANG_SPARES'] ?? 2);
const RETURN_TO_SERVICE = process.env['ORRERY_GANG_RETURN_TO_SERVICE'] ?? '0';
const STEPS = 600;
const LOST_AT = 45;
const TIMEOUT_MS = 1_500_000;

const run = promisify(execFile);

type Act = 'killed' | 'frozen';
interface Loss {
  what: string;
  act: Act;
  /** Of the node, in the gang. */
  place: number;
  /** It is there again after so many seconds; null: not before the gang has gone on without it. */
  backSeconds: number | null;
}

const LOSSES: Loss[] = [
  { what: 'loses the node of its last rank', act: 'killed', place: 3, backSeconds: null },
  { what: 'loses the node of its batch script', act: 'killed', place: 0, backSeconds: null },
  { what: 'has the node of its last rank hang', act: 'frozen', place: 3, backSeconds: null },
  { what: 'has the node of its batch script hang', act: 'frozen', place: 0, backSeconds: null },
  { what: 'loses the node of its last rank for a moment', act: 'killed', place: 3, backSeconds: 20 },
  { what: 'loses the node of its batch script for a moment', act: 'killed', place: 0, backSeconds: 20 },
];

describe.skipIf(!IS_WANTED)(`a gang on a Slurm with its own timings and ${SPARES} nodes to spare`, () => {
  let slurm: SlurmCluster;
  let world: World;
  let here: World;
  let languages: LanguagesJob;
  let undisturbed = '';
  const startedMs = Date.now();
  // All of them wait most of the time.
  vi.setConfig({ maxConcurrency: LOSSES.length + 1 });
  let turn: Promise<unknown> = Promise.resolve();

  beforeAll(async () => {
    if (!ensureSlurmAccounting()) throw new Error('Slurm and slurmdbd are needed');
    const size = 4 + SPARES;
    const gangs = LOSSES.length + 1;
    const partitions = Array.from({ length: gangs }, (_, index) => {
      return `PartitionName=p${index} Nodes=s[${index * size + 1}-${(index + 1) * size}] MaxTime=INFINITE State=UP`;
    });
    languages = await makeLanguagesJob({ steps: STEPS, memory: '512M' });
    slurm = await startSlurm({
      nodes: gangs * size,
      cpusPerNode: 1,
      gpusPerNode: 1,
      confLines: [
        ...QUICK_LINES.filter((line) => !line.startsWith('KillWait')),
        `ReturnToService=${RETURN_TO_SERVICE}`,
        ...partitions,
      ],
      accounting: researchAccount('root'),
    });
    const homes = [makeHome(), makeHome()] as const;
    world = { home: homes[0], daemon: await startSlurmDaemon(homes[0], slurm) };
    here = { home: homes[1], daemon: await startDaemon(homes[1], {}, ['--nodes', '4']) };
    undisturbed = await weightsOf(here, await submitLanguages(here, languages), 120_000);
  }, 300_000);
  afterAll(async () => {
    for (const { daemon } of [world, here]) {
      daemon?.process.kill('SIGKILL');
      await daemon?.exited;
    }
    await slurm?.stop();
    for (const home of [world?.home, here?.home, languages?.folder]) if (home) await removeHome(home);
  }, 60_000);

  const say = (text: string) =>
    process.stderr.write(`${((Date.now() - startedMs) / 1000).toFixed(0).padStart(5)} s  ${text}\n`);

  /** One gang at a time trains until it is disturbed. */
  function begun(partition: string): Promise<{ id: number; nodeList: readonly string[]; step: number }> {
    const work = turn.then(async () => {
      const id = await submitLanguages(world, languages, ['--partition', partition]);
      const step = await hasReached(world, id, LOST_AT, 120_000);
      return { id, step, nodeList: (await world.daemon.client.job(id)).nodeList };
    });
    turn = work.catch(() => undefined);
    return work;
  }

  /** Resolves once the gang has been put back in the queue, and the node is there again if it is to be. */
  async function disturb({ act, backSeconds }: Loss, node: string, isBehind: () => Promise<boolean>): Promise<void> {
    if (act === 'killed') await slurm.killNode(node);
    else slurm.freezeNode(node);
    const comeBack = () => (act === 'killed' ? slurm.startNode(node) : slurm.thawNode(node));
    const comesBackByItself = backSeconds === null ? Promise.resolve() : sleep(backSeconds * 1000).then(comeBack);
    while (!(await isBehind())) await sleep(1000);
    await comesBackByItself;
    if (backSeconds !== null || SPARES > 0) return;
    await sleep(60_000);
    comeBack();
    // With ReturnToService=0 an operator gives a node back that was down.
    const resume = ['update', `NodeName=${node}`, 'State=RESUME'];
    if (RETURN_TO_SERVICE !== '2')
      await sleep(10_000).then(() => run('scontrol', resume, { env: slurm.env }).catch(() => undefined));
  }

  /** Says what Slurm does with the partition, until the test is over. */
  function watch(partition: string): () => void {
    let before = '';
    const over = new AbortController();
    const ask = async (file: string, args: string[]) => {
      const { stdout } = await run(file, ['-h', '-p', partition, ...args], { env: slurm.env });
      return stdout.trim().replaceAll('\n', ' | ');
    };
    const work = async () => {
      for (; !over.signal.aborted; await sleep(1000)) {
        const jobs = await ask('squeue', ['-t', 'all', '-o', '%i %T %r %N']);
        const now = `${jobs}   ${await ask('sinfo', ['-N', '-o', '%N:%T'])}`;
        if (now !== before) say(`${partition}: ${now}`);
        before = now;
      }
    };
    work().catch((error: unknown) => say(`${partition}: ${String(error)}`));
    return () => over.abort();
  }

  it.concurrent.for(LOSSES.map((loss, index) => ({ ...loss, partition: `p${index}` })))(
    '$what, and ends with the same weights on its second attempt',
    { timeout: TIMEOUT_MS },
    async (loss) => {
      const { client } = world.daemon;
      const { id, nodeList, step } = await begun(loss.partition);
      const lost = nodeList[loss.place] ?? '';
      say(`${loss.partition}: ${lost} of ${nodeList.join(',')} ${loss.act} at step ${step}`);
      const stop = watch(loss.partition);
      const lostMs = Date.now();
      try {
        await disturb(loss, lost, async () => (await client.job(id)).requeues > 0);
        const weights = await weightsOf(world, id, TIMEOUT_MS);
        const job = await client.job(id);
        const at = (seconds: number | null | undefined) => ((Number(seconds) * 1000 - lostMs) / 1000).toFixed(0);
        const [first, second] = job.attempts;
        say(
          `${loss.what}: ended as ${first?.state} after ${at(first?.endTime)} s, again after ${at(second?.startTime)} s on ${job.nodeList.join(',')}`,
        );
        expect(job.attempts).toMatchObject([{ state: 'NODE_FAIL' }, { state: 'COMPLETED' }]);
        expect(job.nodeList.includes(lost)).toBe(SPARES === 0);
        await expectResumed(world, id, step);
        expect(weights).toBe(undisturbed);
      } finally {
        stop();
      }
    },
  );

  it.concurrent('has failed, and is not begun again, where one rank crashes', { timeout: TIMEOUT_MS }, async () => {
    const partition = `p${LOSSES.length}`;
    const { id, nodeList } = await begun(partition);
    const lost = nodeList[3] ?? '';
    const isRank = ({ command, environment }: ReturnType<typeof readProcesses>[number]) =>
      command.includes('train.py') && environment.includes(`ORRERY_NODE=${lost}\0`);
    const ranks = readProcesses().filter((view) => isRank(view) && !view.command.startsWith('/bin/sh'));
    expect(ranks).not.toEqual([]);
    for (const { pid } of ranks) process.kill(pid, 'SIGKILL');
    const stop = watch(partition);
    const { client } = world.daemon;
    while (['RUNNING', 'COMPLETING'].includes((await client.job(id)).state)) await sleep(300);
    stop();
    expect(await client.job(id)).toMatchObject({ state: 'FAILED', attempt: 1, requeues: 0 });
  });
});
