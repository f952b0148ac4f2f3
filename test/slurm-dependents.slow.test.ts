import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, lstatSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LEDGER_SCRIPT, readLedger } from './support/chaos-jobs.ts';
import { makeHome, type RunningDaemon, sleep, startDaemon, until } from './support/daemon.ts';
import { haveEnded } from './support/jobs.ts';
import { ensureSlurm, type SlurmCluster, startSlurm } from './support/slurm-cluster.ts';
import { endSlurmDaemon, QUICK_LINES, slurmVariables, startSlurmDaemon } from './support/slurm-daemon.ts';

let home = '';
let ledger = '';
let slurm: SlurmCluster;
let daemon: RunningDaemon;

beforeAll(async () => {
  if (!ensureSlurm()) throw new Error('Slurm is needed');
  home = makeHome();
  ledger = join(home, 'ledger');
  mkdirSync(ledger);
  // Slurm is to cancel what waits for a job that failed, as some clusters have it.
  const confLines = [...QUICK_LINES, 'DependencyParameters=kill_invalid_depend'];
  slurm = await startSlurm({ nodes: 2, cpusPerNode: 4, credentialSeconds: 5, confLines });
  daemon = await startSlurmDaemon(home, slurm);
}, 180_000);
afterAll(() => endSlurmDaemon(home, slurm, daemon), 60_000);

async function submit(name: string, lasts: number, fields: object = {}): Promise<number> {
  const job = {
    name,
    script: LEDGER_SCRIPT,
    env: { LEDGER: ledger, LASTS: lasts, STATUS: 0 },
    memory: '16M',
    ...fields,
  };
  const { jobs } = await daemon.client.submit({ jobs: [job], environment: { PATH: '/usr/bin:/bin' } });
  return jobs[0]?.id ?? 0;
}

/** `101 PENDING Dependency` of its submission with this number; '' where Slurm has none. */
function atSlurm(jobId: number, submission: number): string {
  const all = execFileSync('squeue', ['-h', '-o', '%i %T %r %j'], { env: slurm.env, encoding: 'utf8' });
  return all.split('\n').find((line) => line.endsWith(`-${jobId}-${submission}`)) ?? '';
}

/** `afterok:100(unfulfilled)` of its submission with this number; '' where Slurm has none that waits. */
function dependencyAtSlurm(jobId: number, submission: number): string {
  const all = execFileSync('squeue', ['-h', '-o', '%E %j'], { env: slurm.env, encoding: 'utf8' });
  const line = all.split('\n').find((one) => one.endsWith(`-${jobId}-${submission}`)) ?? '';
  return line.split(' ')[0] ?? '';
}

function times(jobId: number, what: 'start' | 'end'): number[] {
  return readLedger(ledger, jobId)
    .filter((line) => line.what === what)
    .map(({ atMs }) => atMs);
}

/** All of them completed, and each began, once, after all work of the one before it. */
async function ranInOrder(...jobIds: number[]): Promise<void> {
  await until(() => haveEnded(daemon.client, jobIds), `jobs ${jobIds.join(', ')} to end`, 240_000);
  for (const id of jobIds) expect(await daemon.client.job(id)).toMatchObject({ state: 'COMPLETED' });
  for (const [place, id] of jobIds.slice(1).entries()) {
    expect(times(id, 'start')).toHaveLength(1);
    expect(Math.min(...times(id, 'start'))).toBeGreaterThanOrEqual(Math.max(...times(jobIds[place] ?? 0, 'end')));
  }
}

/** What a slurmctld that is killed now knows when it is back: as soon as these submissions are in it. */
async function savedState(...jobIds: number[]): Promise<string> {
  const copy = join(slurm.folder, 'state-copy');
  const isSaved = () => {
    rmSync(copy, { recursive: true, force: true });
    try {
      cpSync(join(slurm.folder, 'state'), copy, { recursive: true });
    } catch {
      // It is writing one of them anew.
      return false;
    }
    const file = join(copy, 'job_state');
    const text = existsSync(file) ? readFileSync(file, 'latin1') : '';
    return jobIds.every((id) => text.includes(`-${id}-1\0`));
  };
  await until(isSaved, 'slurmctld to save its jobs');
  return copy;
}

describe('a job that waits for another at Slurm', () => {
  it('does not begin where Slurm ends the other by mistake and it is submitted again', async () => {
    const first = await submit('first', 1, { hold: true });
    const second = await submit('second', 0.2, { after: `afterany:${first}` });
    await until(() => atSlurm(second, 1).includes(' PENDING Dependency '), 'the second job to wait at Slurm');
    const third = await submit('third', 0.2, { after: `afterok:${second}` });
    await until(() => atSlurm(third, 1) !== '', 'the third job to wait at Slurm');
    const [slurmJobId = ''] = atSlurm(first, 1).split(' ');
    execFileSync('scancel', [slurmJobId], { env: slurm.env });
    await until(() => atSlurm(first, 2) !== '', 'the first job to be submitted again', 60_000);
    // Nobody tells the third meanwhile that the second is to be had under another number.
    daemon.process.kill('SIGSTOP');
    try {
      const hasGivenUp = () => !atSlurm(second, 1).includes(' PENDING ') && !atSlurm(second, 1).includes(' RUNNING ');
      await until(hasGivenUp, 'the second job to end at Slurm', 60_000);
      await sleep(8_000);
    } finally {
      daemon.process.kill('SIGCONT');
    }
    const waitsAgain = () => atSlurm(second, 2).includes(' PENDING Dependency ') || times(second, 'start').length > 0;
    await until(waitsAgain, 'the second job to wait again', 60_000);
    expect(times(second, 'start')).toEqual([]);
    expect(readFileSync(join(home, 'jobs', String(second), 'batch.log'), 'utf8')).toContain(
      `begins nothing: job ${first}, which it waits for, has not ended`,
    );
    const namesSecond = () => atSlurm(third, 1).includes(' PENDING Dependency ');
    await until(namesSecond, 'the third job, which Slurm still has, to wait for the second again');
    await daemon.client.release(first);
    await ranInOrder(first, second, third);
  }, 400_000);

  it.each([
    ['comes to its end', 8],
    ['would run on', 40],
  ])(
    'does not begin where slurmctld is killed and has forgotten that the other ran, which %s',
    async (_what, lasts) => {
      const first = await submit('first', lasts, { hold: true, maxRequeues: 5 });
      const second = await submit('second', 0.2, { after: `afterany:${first}` });
      await until(() => atSlurm(second, 1).includes(' PENDING Dependency '), 'the second job to wait at Slurm');
      const third = await submit('third', 0.2, { after: `afterok:${second}` });
      await until(() => atSlurm(third, 1) !== '', 'the third job to wait at Slurm');
      const state = await savedState(first, second, third);
      await daemon.client.release(first);
      await until(() => times(first, 'start').length > 0, 'the first job to run', 60_000);
      await sleep(1_000);
      await slurm.killController();
      // As if it had been killed before it saved that the first job began.
      rmSync(join(slurm.folder, 'state'), { recursive: true });
      cpSync(state, join(slurm.folder, 'state'), { recursive: true });
      slurm.startController();
      await ranInOrder(first, second, third);
      // What had begun and slurmctld knew nothing of is not done a second time beside it.
      expect(times(first, 'end')).toHaveLength(1);
      const [, again = Infinity] = times(first, 'start');
      const exit = join(home, 'jobs', String(first), 'attempts', '1', 'exit');
      expect(again).toBeGreaterThanOrEqual(statSync(exit).mtimeMs - 1000);
    },
    400_000,
  );

  it('begins so long after the start of the other, though that is submitted again before and the daemon dies after', async () => {
    const first = await submit('first', 80, { hold: true });
    const soon = await submit('soon', 0.2, { after: `after:${first}` });
    const later = await submit('later', 0.2, { after: `after:${first}+1` });
    await until(() => dependencyAtSlurm(later, 1).endsWith('+1(unfulfilled)'), 'the last to wait at Slurm');
    const [slurmJobId = ''] = atSlurm(first, 1).split(' ');
    execFileSync('scancel', [slurmJobId], { env: slurm.env });
    await until(() => atSlurm(first, 2) !== '', 'the first job to be submitted again', 60_000);
    const [again = ''] = atSlurm(first, 2).split(' ');
    const namesIt = () => [1, 2].some((number) => dependencyAtSlurm(later, number) === `after:${again}+1(unfulfilled)`);
    await until(namesIt, 'the last to wait for the new number', 90_000);
    expect([times(soon, 'start'), times(later, 'start')]).toEqual([[], []]);
    await daemon.client.release(first);
    await until(() => times(soon, 'end').length > 0, 'the one without a delay to run', 90_000);
    expect(times(first, 'end')).toEqual([]);
    daemon.process.kill('SIGKILL');
    await daemon.exited;
    daemon = await startSlurmDaemon(home, slurm);
    await until(() => haveEnded(daemon.client, [first, soon, later]), 'all of them to end', 200_000);
    const states = await Promise.all([first, soon, later].map(async (id) => (await daemon.client.job(id)).state));
    expect(states).toEqual(['COMPLETED', 'COMPLETED', 'COMPLETED']);
    const begun = lstatSync(join(home, 'jobs', String(first), 'attempts', '1', 'holder')).mtimeMs;
    expect(times(later, 'start')).toHaveLength(1);
    // The scripts of jobs go by whole seconds.
    expect(Math.min(...times(later, 'start'))).toBeGreaterThanOrEqual(begun + 59_000);
  }, 400_000);

  it('begins once one of several has done what it had to, and never once none can', async () => {
    const fails = { env: { LEDGER: ledger, LASTS: 0.2, STATUS: 3 } };
    const wrong = await submit('wrong', 0.2, { hold: true, ...fails });
    const right = await submit('right', 0.2, { hold: true });
    const array = await submit('array', 0.2, { array: '0-1', hold: true });
    const either = await submit('either', 0.2, { after: `afterok:${wrong}?afterok:${right}` });
    const none = await submit('none', 0.2, { after: `afterok:${wrong}?afternotok:${right}` });
    const whole = await submit('whole', 0.2, { after: `afterok:${array}?afterok:${wrong}` });
    const says = (what: string) => dependencyAtSlurm(either, 1).replaceAll(/:\d+/g, '') === what;
    await until(() => says('afterok(unfulfilled)?afterok(unfulfilled)'), 'both to be named at Slurm');
    await daemon.client.release(wrong);
    await until(() => haveEnded(daemon.client, [wrong]), 'the first to fail', 60_000);
    for (const id of [either, none, whole]) {
      const isWaiting = async () => (await daemon.client.job(id)).reason === 'Dependency';
      await until(isWaiting, `job ${id} to wait for the others`);
    }
    await daemon.client.release(right);
    const isNever = async () => (await daemon.client.job(none)).reason === 'DependencyNeverSatisfied';
    await until(isNever, 'the one to be never satisfied', 60_000);
    await until(() => haveEnded(daemon.client, [either]), 'the other to run', 60_000);
    expect(Math.min(...times(either, 'start'))).toBeGreaterThanOrEqual(Math.max(...times(right, 'end')));
    expect(times(whole, 'start')).toEqual([]);
    await daemon.client.release(array);
    await daemon.client.release(array + 1);
    await until(() => haveEnded(daemon.client, [whole]), 'the one after the array to run', 90_000);
    const ends = [array, array + 1].flatMap((id) => times(id, 'end'));
    expect(ends).toHaveLength(2);
    expect(Math.min(...times(whole, 'start'))).toBeGreaterThanOrEqual(Math.max(...ends));
    await daemon.client.cancel(none);
    await until(() => haveEnded(daemon.client, [none]), 'what never runs to be cancelled');
    expect(times(none, 'start')).toEqual([]);
  }, 300_000);

  it('is submitted again where Slurm does not let it be told the number that the other has now', async () => {
    daemon.process.kill('SIGKILL');
    await daemon.exited;
    const bin = join(home, 'bin');
    mkdirSync(bin);
    // What a slurmctld says for ever of some jobs that it found in its saved state.
    const words = 'Job update not available right now, the DB index is being set, try again in a bit for job 1';
    const lines = [
      '#!/bin/sh',
      `case "$*" in *Dependency=*) echo '${words}' >&2; exit 1 ;; esac`,
      'exec /usr/bin/scontrol "$@"',
      '',
    ];
    writeFileSync(join(bin, 'scontrol'), lines.join('\n'), { mode: 0o755 });
    const env = { ...slurmVariables(slurm), PATH: `${bin}:/usr/bin:/bin` };
    daemon = await startDaemon(home, env, ['--backend', 'slurm', '--poll-ms', '300']);
    const first = await submit('first', 1, { hold: true });
    const second = await submit('second', 0.2, { after: `afterok:${first}` });
    await until(() => atSlurm(second, 1).includes(' PENDING Dependency '), 'the second job to wait at Slurm');
    execFileSync('scancel', [atSlurm(first, 1).split(' ')[0] ?? ''], { env: slurm.env });
    await until(() => atSlurm(second, 2).includes(' PENDING Dependency '), 'the second job to wait again', 60_000);
    expect(atSlurm(second, 1)).not.toContain(' PENDING ');
    await daemon.client.release(first);
    await ranInOrder(first, second);
  }, 400_000);

  it('begins, without being submitted again, after what only the daemon can tell has ended', async () => {
    const array = await submit('array', 600, { array: '0-1' });
    const cancelled = array + 1;
    const gang = await submit('gang', 0.2, { nodes: 2, env: { LEDGER: ledger, LASTS: 3, STATUS: 3 } });
    const jobIds = [
      await submit('after-task', 0.2, { after: `afterany:${array}_1` }),
      await submit('after-gang', 0.2, { after: `afterany:${gang}` }),
    ];
    await until(() => jobIds.every((id) => atSlurm(id, 1) !== ''), 'both to wait at Slurm');
    await until(() => times(cancelled, 'start').length > 0, 'the task of the array to run');
    await daemon.client.cancel(cancelled);
    await until(() => haveEnded(daemon.client, [cancelled, gang, ...jobIds]), 'them to end', 60_000);
    await daemon.client.cancel(array);
    for (const id of jobIds) {
      expect(await daemon.client.job(id)).toMatchObject({ state: 'COMPLETED', attempts: [{ attempt: 1 }] });
      expect(readFileSync(join(home, 'jobs', String(id), 'submission'), 'utf8')).toBe('1\n');
    }
    const [afterTask = 0, afterGang = 0] = jobIds.map((id) => Math.min(...times(id, 'start')));
    expect(afterTask).toBeGreaterThan(Math.max(...times(cancelled, 'start')));
    expect(afterGang).toBeGreaterThan(Math.max(...times(gang, 'end')));
  }, 240_000);

  it('begins without a daemon where the other ended by itself, or its time was up', async () => {
    const first = await submit('first', 3);
    const failing = await submit('failing', 0.2, {
      after: `afterok:${first}`,
      env: { LEDGER: ledger, LASTS: 0.2, STATUS: 3 },
    });
    const endless = await submit('endless', 600, { after: `afterany:${failing}`, time: '1m' });
    const last = await submit('last', 0.2, { after: `afterany:${endless}` });
    await until(() => atSlurm(last, 1) !== '', 'the last job to wait at Slurm');
    daemon.process.kill('SIGKILL');
    await daemon.exited;
    await until(() => times(last, 'end').length > 0, 'the chain to run to its end', 180_000);
    daemon = await startSlurmDaemon(home, slurm);
    const jobIds = [first, failing, endless, last];
    await until(() => haveEnded(daemon.client, jobIds), 'the daemon to see it');
    const states = await Promise.all(jobIds.map(async (id) => (await daemon.client.job(id)).state));
    expect(states).toEqual(['COMPLETED', 'FAILED', 'TIMEOUT', 'COMPLETED']);
    expect(jobIds.map((id) => times(id, 'start').length)).toEqual([1, 1, 1, 1]);
  }, 300_000);
});
