import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LEDGER_SCRIPT, readLedger } from './support/chaos-jobs.ts';
import { makeHome, type RunningDaemon, sleep, startDaemon, until } from './support/daemon.ts';
import { haveEnded, readLog } from './support/jobs.ts';
import { ensureSlurmAccounting, type SlurmCluster, startSlurm } from './support/slurm-cluster.ts';
import {
  endSlurmDaemon,
  QUICK_LINES,
  researchAccount,
  resumeNodes,
  slurmVariables,
  startSlurmDaemon,
} from './support/slurm-daemon.ts';

const SCRIPT = LEDGER_SCRIPT.replace(
  '\n',
  '\necho "$ORRERY_ARRAY_JOB_ID $ORRERY_ARRAY_TASK_ID $SLURM_ARRAY_TASK_ID $SLURM_ARRAY_TASK_COUNT $SLURM_ARRAY_TASK_MAX"\n',
);

let home = '';
let ledger = '';
let slurm: SlurmCluster;
let daemon: RunningDaemon;

beforeAll(async () => {
  if (!ensureSlurmAccounting()) throw new Error('Slurm and slurmdbd are needed');
  home = makeHome();
  ledger = join(home, 'ledger');
  mkdirSync(ledger);
  slurm = await startSlurm({
    nodes: 2,
    cpusPerNode: 8,
    credentialSeconds: 5,
    confLines: [...QUICK_LINES, 'SlurmdTimeout=5', 'MinJobAge=10'],
    accounting: researchAccount('root'),
  });
  daemon = await startSlurmDaemon(home, slurm);
}, 180_000);
afterAll(() => endSlurmDaemon(home, slurm, daemon), 60_000);

/** The ids of its tasks' jobs, by place. */
async function submit(array: string, lasts: number, fields: object = {}): Promise<number[]> {
  const env = { LEDGER: ledger, LASTS: lasts, STATUS: 0 };
  const job = { name: 'sweep', script: SCRIPT, env, memory: '16M', maxRequeues: 5, array, ...fields };
  const { jobs } = await daemon.client.submit({ jobs: [job], environment: { PATH: '/usr/bin:/bin' } });
  return jobs.map(({ id }) => id);
}

/** Lines of squeue with the array's first job in the name: `12_[4-9%3] PENDING JobArrayTaskLimit`. */
function atSlurm(arrayId: number, ...args: string[]): string[] {
  const options = ['-h', '-o', '%i %T %r %j', ...args];
  const env = { ...slurm.env, SLURM_BITSTR_LEN: '0' };
  return execFileSync('squeue', options, { env, encoding: 'utf8' })
    .split('\n')
    .filter((line) => new RegExp(`-${arrayId}\\+\\d+x\\d+-\\d+$`).test(line));
}

const byHand = (program: string, ...words: string[]) => execFileSync(program, words, { env: slurm.env });
const waitingTogether = (arrayId: number) => atSlurm(arrayId).filter((line) => line.includes('_['));

async function statesOf(jobIds: readonly number[]): Promise<string[]> {
  const states = new Map((await daemon.client.jobs({ all: true })).map(({ id, state }) => [id, state]));
  return jobIds.map((id) => states.get(id) ?? '');
}

const submissionOf = (jobId: number) => Number(readFileSync(join(home, 'jobs', String(jobId), 'submission'), 'utf8'));

function times(jobId: number, what: 'start' | 'end'): number[] {
  return readLedger(ledger, jobId)
    .filter((line) => line.what === what)
    .map(({ atMs }) => atMs);
}

/** How many of them ran at once at most. */
function atOnce(jobIds: readonly number[]): number {
  const changes = jobIds.flatMap((id) => [
    ...times(id, 'start').map((atMs) => ({ atMs, change: 1 })),
    ...times(id, 'end').map((atMs) => ({ atMs, change: -1 })),
  ]);
  let count = 0;
  return Math.max(...changes.sort((a, b) => a.atMs - b.atMs).map(({ change }) => (count += change)));
}

/** All of them completed, and each did its work once. */
async function ranOnce(jobIds: readonly number[], timeoutMs = 120_000): Promise<void> {
  await until(() => haveEnded(daemon.client, jobIds), 'the tasks to end', timeoutMs);
  expect(await statesOf(jobIds)).toEqual(jobIds.map(() => 'COMPLETED'));
  expect(jobIds.map((id) => times(id, 'end').length)).toEqual(jobIds.map(() => 1));
}

const bin = () => join(home, 'bin');

/** The daemon anew, with a script in the place of one of Slurm's programs. */
async function restartWith(program: string, ...lines: string[]): Promise<void> {
  await killDaemon();
  rmSync(bin(), { recursive: true, force: true });
  mkdirSync(bin());
  writeFileSync(join(bin(), program), ['#!/bin/sh', ...lines, ''].join('\n'), { mode: 0o755 });
  const env = { ...slurmVariables(slurm), PATH: `${bin()}:/usr/bin:/bin` };
  daemon = await startDaemon(home, env, ['--backend', 'slurm', '--poll-ms', '300']);
}

async function restart(): Promise<void> {
  await killDaemon();
  daemon = await startSlurmDaemon(home, slurm);
}

async function killDaemon(): Promise<void> {
  daemon.process.kill('SIGKILL');
  await daemon.exited;
}

describe('an array at Slurm', () => {
  it('is one array there, of which so many tasks run at once, and each once', async () => {
    const jobIds = await submit('10-32:2%3', 3);
    const [first = 0] = jobIds;
    await until(() => waitingTogether(first).length > 0, 'the array to be at Slurm');
    await until(() => atSlurm(first).some((line) => line.includes('RUNNING')), 'its first task to run');
    const [waiting = ''] = waitingTogether(first);
    expect(waiting).toMatch(/^\d+_\[(?:10|16)-32:2%3\] PENDING (?:JobArrayTaskLimit|None) sweep\.orrery-/);
    const numbers = new Set(atSlurm(first).map((line) => /^\d+/.exec(line)?.[0]));
    expect(numbers.size).toBe(1);
    await until(async () => (await daemon.client.job(jobIds[11] ?? 0)).reason === 'JobArrayTaskLimit', 'its reason');
    expect((await daemon.client.why(jobIds[11] ?? 0)).detail.join(' ')).toContain(
      'As many tasks of its array run as may at once.',
    );
    await ranOnce(jobIds);
    expect(atOnce(jobIds)).toBe(3);
    for (const [place, id] of jobIds.entries()) {
      const taskId = 10 + 2 * place;
      expect(await readLog(daemon.client, id)).toBe(`${first} ${taskId} ${taskId} 12 32\n`);
      expect(await daemon.client.job(id)).toMatchObject({ attempts: [{ attempt: 1 }] });
      expect((await daemon.client.job(id)).slurmJobId).toBe(`${[...numbers][0]}_${taskId}`);
      expect(existsSync(join(home, 'jobs', String(id), 'batch.log'))).toBe(true);
    }
  }, 180_000);

  it('keeps all other tasks where one is cancelled, held, released or requeued', async () => {
    // Two of them run until they are told otherwise.
    const script = SCRIPT.replace(
      'sleep "$LASTS"',
      'case "$ORRERY_ATTEMPT $SLURM_ARRAY_TASK_ID" in "1 "[12]) LASTS=600 ;; esac\nsleep "$LASTS"',
    );
    const jobIds = await submit('0-11%3', 4, { script });
    const [, ended = 0, requeued = 0, , , , , held = 0, cancelled = 0] = jobIds;
    await until(() => times(requeued, 'start').length > 0, 'three tasks to run');
    await until(async () => (await statesOf([ended, requeued])).join() === 'RUNNING,RUNNING', 'that to be seen');
    await daemon.client.hold(held);
    await daemon.client.cancel(cancelled);
    await daemon.client.cancel(ended);
    await daemon.client.requeue(requeued);
    await until(() => haveEnded(daemon.client, [ended, cancelled]), 'two tasks to be cancelled');
    const gone = new Set([ended, cancelled]);
    expect(await statesOf([...gone])).toEqual(['CANCELLED', 'CANCELLED']);
    const others = jobIds.filter((id) => !gone.has(id));
    await ranOnce(
      others.filter((id) => id !== held),
      120_000,
    );
    expect(times(held, 'start')).toEqual([]);
    await daemon.client.release(held);
    await ranOnce([held]);
    expect(times(cancelled, 'start')).toEqual([]);
    expect(jobIds.map(submissionOf)).toEqual(jobIds.map(() => 1));
    const attempts = await Promise.all(others.map(async (id) => (await daemon.client.job(id)).attempts.length));
    expect(attempts).toEqual(others.map((id) => (id === requeued ? 2 : 1)));
    expect(atOnce(others.filter((id) => id !== requeued))).toBeLessThanOrEqual(3);
  }, 300_000);

  it('is what somebody makes of its tasks by hand, also while the daemon is away', async () => {
    const jobIds = await submit('0-7%2', 600);
    const [first = 0, second = 0, , , held = 0, shortened = 0, cancelled = 0, missed = 0] = jobIds;
    await until(() => [first, second].every((id) => times(id, 'start').length > 0), 'two tasks to run', 30_000);
    const [array = ''] = (await daemon.client.job(first)).slurmJobId?.split('_') ?? [];
    byHand('scancel', `${array}_6`);
    byHand('scontrol', 'hold', `${array}_4`);
    byHand('scontrol', 'update', `JobId=${array}_5`, 'TimeLimit=7');
    byHand('scontrol', 'requeue', `${array}_0`);
    const reasonOf = async (id: number) => (await daemon.client.job(id)).reason;
    await until(async () => (await reasonOf(held)).startsWith('JobHeld'), 'the hold to be seen', 30_000);
    await until(async () => (await daemon.client.job(shortened)).timeLimit === 420, 'the limit to be seen', 30_000);
    await until(() => haveEnded(daemon.client, [cancelled]), 'the task to be cancelled', 30_000);
    await until(async () => (await daemon.client.job(first)).state === 'PENDING', 'the requeue to be seen', 30_000);
    expect(await daemon.client.job(first)).toMatchObject({ requeues: 0, attempts: [{ state: 'CANCELLED' }] });
    await killDaemon();
    for (const taskId of [1, 7]) byHand('scancel', `${array}_${taskId}`);
    daemon = await startSlurmDaemon(home, slurm);
    await until(() => haveEnded(daemon.client, [second, missed]), 'what was missed to be seen', 60_000);
    expect(await statesOf([second, missed])).toEqual(['CANCELLED', 'CANCELLED']);
    expect(jobIds.map(submissionOf)).toEqual(jobIds.map(() => 1));
    await Promise.all(jobIds.map((id) => daemon.client.cancel(id).catch(() => undefined)));
    await until(() => haveEnded(daemon.client, jobIds), 'the others to end', 30_000);
  }, 180_000);

  it('goes on with a task that was lost while others are held, and never with more at once than may be', async () => {
    const jobIds = await submit('0-2%1', 12);
    const [first = 0, ...held] = jobIds;
    await until(() => times(first, 'start').length === 1, 'the first task to run');
    for (const id of held) await daemon.client.hold(id);
    await until(async () => (await statesOf([first])).join() === 'RUNNING', 'that to be seen');
    const { slurmJobId, nodeList } = await daemon.client.job(first);
    // Slurm does not put it back in the queue: it is submitted again, by itself.
    byHand('scontrol', 'update', `JobId=${slurmJobId}`, 'Requeue=0');
    const [node = ''] = nodeList;
    await slurm.killNode(node);
    await until(() => times(first, 'start').length === 2, 'the first task to run again', 180_000);
    slurm.startNode(node);
    await Promise.all(held.map((id) => daemon.client.release(id)));
    await until(() => haveEnded(daemon.client, jobIds), 'the tasks to end', 180_000);
    expect(await statesOf(jobIds)).toEqual(jobIds.map(() => 'COMPLETED'));
    const runs = jobIds.map((id) => ({ start: times(id, 'start').at(-1) ?? 0, end: times(id, 'end')[0] ?? 0 }));
    runs.sort((a, b) => a.start - b.start);
    for (const [place, { start }] of runs.entries()) expect(start).toBeGreaterThan(runs[place - 1]?.end ?? 0);
  }, 420_000);

  it('ends its last task alone, which has the number of the array', async () => {
    const jobIds = await submit('0-2', 600);
    const [first = 0, second = 0, last = 0] = jobIds;
    await until(() => jobIds.every((id) => times(id, 'start').length > 0), 'all tasks to run');
    await until(async () => (await statesOf(jobIds)).every((state) => state === 'RUNNING'), 'that to be seen');
    await daemon.client.cancel(last);
    await until(() => haveEnded(daemon.client, [last]), 'the last task to end');
    await sleep(1_000);
    expect(await statesOf(jobIds)).toEqual(['RUNNING', 'RUNNING', 'CANCELLED']);
    await daemon.client.requeue(second);
    await until(() => times(second, 'start').length === 2, 'the second task to run again', 60_000);
    expect((await daemon.client.job(first)).attempts).toHaveLength(1);
    await daemon.client.cancel(first);
    await daemon.client.cancel(second);
    await until(() => haveEnded(daemon.client, jobIds), 'the others to end');
  }, 180_000);

  it('is cancelled as a whole, and misses none of its tasks however many are gone before', async () => {
    const jobIds = await submit('0-89%3', 600, { hold: true });
    const [first = 0] = jobIds;
    await until(() => waitingTogether(first).length > 0, 'the array to be at Slurm');
    const gone = jobIds.filter((_id, place) => place % 3 === 1);
    await Promise.all(gone.map((id) => daemon.client.cancel(id)));
    await until(() => haveEnded(daemon.client, gone), 'every third task to end', 60_000);
    const left = jobIds.filter((id) => !gone.includes(id));
    // So long a list of tasks squeue cuts off by itself; whoever is missing for this long is submitted again.
    expect(waitingTogether(first)[0]).toMatch(/_\[0,2-3,5-6,.*86-87,89%3\]/);
    await sleep(13_000);
    expect(await statesOf(left)).toEqual(left.map(() => 'PENDING'));
    expect(left.map(submissionOf)).toEqual(left.map(() => 1));
    await Promise.all(left.map((id) => daemon.client.cancel(id).catch(() => undefined)));
    await until(() => haveEnded(daemon.client, left), 'all tasks to end', 60_000);
    expect(new Set(await statesOf(jobIds))).toEqual(new Set(['CANCELLED']));
    expect(atSlurm(first)).toEqual([]);
    expect(jobIds.flatMap((id) => times(id, 'start'))).toEqual([]);
  }, 180_000);

  it('has ended where somebody cancels what waits of it with scancel', async () => {
    // Shortly after its start slurmctld is not believed.
    const old = "sed 's/^\\(BOOT_TIME *= *\\).*/\\11000000000/'";
    const config = `[ "$*" != "show config" ] || { /usr/bin/scontrol "$@" | ${old}; exit; }`;
    await restartWith('scontrol', config, 'exec /usr/bin/scontrol "$@"');
    const jobIds = await submit('0-9%2', 6);
    const runs = jobIds.slice(0, 2);
    await until(() => runs.every((id) => times(id, 'start').length > 0), 'two tasks to run');
    execFileSync('scancel', ['--user=root', '--state=PENDING'], { env: slurm.env });
    await until(() => haveEnded(daemon.client, jobIds), 'all tasks to end');
    const states = await statesOf(jobIds);
    expect(states).toEqual(jobIds.map((id) => (runs.includes(id) ? 'COMPLETED' : 'CANCELLED')));
    expect(jobIds.map(submissionOf)).toEqual(jobIds.map(() => 1));
    await restart();
  }, 180_000);

  it('may be waited for, as a task and as a whole', async () => {
    const begun = join(home, 'begun');
    // The last task is done once what waits for the one before it has begun.
    const patient = `[ "$SLURM_ARRAY_TASK_ID" != 3 ] || until [ -e ${begun} ]; do sleep 0.1; done`;
    const jobIds = await submit('0-3%1', 2, { script: SCRIPT.replace('\nsleep', `\n${patient}\nsleep`) });
    const [first = 0, , third = 0] = jobIds;
    const dependent = async (after: string, script = LEDGER_SCRIPT) => {
      const env = { LEDGER: ledger, LASTS: 0, STATUS: 0 };
      const { jobs } = await daemon.client.submit({
        jobs: [{ name: 'next', script, env, memory: '16M', after }],
        environment: { PATH: '/usr/bin:/bin' },
      });
      return jobs[0]?.id ?? 0;
    };
    const afterTask = await dependent(
      `afterok:${first}_2`,
      LEDGER_SCRIPT.replace('\nsleep', `\ntouch ${begun}\nsleep`),
    );
    const afterAll = await dependent(`afterok:${first}`);
    const sweep = await submit('0-1', 0, { after: `afterok:${first}_2` });
    await ranOnce([...jobIds, afterTask, afterAll, ...sweep]);
    const began = (id: number) => Math.min(...times(id, 'start'));
    const end = (id: number) => Math.max(...times(id, 'end'));
    expect(began(afterTask)).toBeGreaterThan(end(third));
    expect(Math.min(...sweep.map(began))).toBeGreaterThan(end(third));
    expect(began(afterTask)).toBeLessThan(end(jobIds[3] ?? 0));
    expect(began(afterAll)).toBeGreaterThan(end(jobIds[3] ?? 0));
    expect([...sweep, afterTask, afterAll].map(submissionOf)).toEqual([1, 1, 1, 1]);
  }, 180_000);

  it('is found again where the daemon is killed before sbatch has answered', async () => {
    await restartWith('sbatch', '/usr/bin/sbatch "$@" > /dev/null', `touch ${bin()}/called`, 'exec sleep 60');
    const jobIds = await submit('0-7%2', 3);
    await until(() => existsSync(join(bin(), 'called')), 'sbatch to have been called');
    await restart();
    await ranOnce(jobIds);
    expect(atOnce(jobIds)).toBe(2);
    expect(jobIds.map(submissionOf)).toEqual(jobIds.map(() => 1));
  }, 180_000);

  it('goes again, as an array, where the daemon is killed before sbatch is called', async () => {
    await restartWith('sbatch', `touch ${bin()}/called`, 'exec sleep 60');
    const jobIds = await submit('0-7%2', 0.5);
    const [first = 0] = jobIds;
    await until(() => existsSync(join(bin(), 'called')), 'sbatch to be called');
    await restart();
    await until(() => waitingTogether(first).length > 0, 'the array to be at Slurm', 60_000);
    await ranOnce(jobIds);
    expect(jobIds.map(submissionOf)).toEqual(jobIds.map(() => 2));
  }, 180_000);

  it('goes task by task where sbatch refuses it as an array', async () => {
    const refusal = 'echo "sbatch: error: Batch job submission failed: Invalid job array specification" >&2; exit 1';
    await restartWith('sbatch', `case "$*" in *--array*) ${refusal} ;; esac`, 'exec /usr/bin/sbatch "$@"');
    const jobIds = await submit('0-4%2', 1);
    await ranOnce(jobIds);
    expect(atOnce(jobIds)).toBeLessThanOrEqual(2);
    await restart();
  }, 180_000);

  it.each([
    ['nothing of it', false],
    ['that none of its tasks had begun', true],
  ])(
    'is done, each task once, by a slurmctld that was killed and knows %s',
    async (_what, isSaved) => {
      const state = join(slurm.folder, 'state');
      const copy = join(slurm.folder, 'state-copy');
      const save = (name: string | null) => {
        rmSync(copy, { recursive: true, force: true });
        try {
          cpSync(state, copy, { recursive: true });
        } catch {
          // It is writing one of them anew.
          return false;
        }
        return name === null || readFileSync(join(copy, 'job_state'), 'latin1').includes(name);
      };
      await until(() => save(null), 'a copy of the state');
      const jobIds = await submit('0-6%3', 8, { begin: 'now+30' });
      const [first = 0] = jobIds;
      await until(() => waitingTogether(first).length > 0, 'the array to be at Slurm');
      if (isSaved) await until(() => save(`-${first}+0x1-1`), 'slurmctld to save the array');
      await until(() => jobIds.some((id) => times(id, 'start').length > 0), 'a task to run', 60_000);
      await sleep(1_000);
      await slurm.killController();
      rmSync(state, { recursive: true });
      cpSync(copy, state, { recursive: true });
      slurm.startController();
      const hasEnded = () => {
        resumeNodes(slurm);
        return haveEnded(daemon.client, jobIds);
      };
      await until(hasEnded, 'the tasks to end', 450_000);
      await ranOnce(jobIds);
      expect(jobIds.flatMap((id) => times(id, 'end'))).toHaveLength(7);
    },
    600_000,
  );

  it('loses the node of a task, which runs again', async () => {
    const jobIds = await submit('0-5%4', 8, { cpus: 4 });
    await until(() => jobIds.slice(0, 4).every((id) => times(id, 'start').length > 0), 'four tasks to run');
    await slurm.killNode('s2');
    try {
      await ranOnce(jobIds, 200_000);
    } finally {
      slurm.startNode('s2');
    }
    expect(await Promise.all(jobIds.map(async (id) => (await daemon.client.job(id)).attempts.length))).toContain(2);
  }, 300_000);
});
