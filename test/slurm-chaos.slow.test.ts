import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { submitResponseSchema } from '../src/contract/api.ts';
import { OrreryError } from '../src/contract/errors.ts';
import { errorMessage } from '../src/lib/error-message.ts';
import { readJournalFile } from '../src/store/journal-file.ts';
import { differingEnds, leftBy, LOST_END, readRecord } from './support/chaos-accounting.ts';
import { BATCH_SIZE, chaosBatch, type Expected, readLedger } from './support/chaos-jobs.ts';
import { makeHome, removeHome, type RunningDaemon, sleep, startDaemon, until } from './support/daemon.ts';
import { makeNetworkNamespace, type NetworkNamespace } from './support/network-namespace.ts';
import { orrery } from './support/orrery-command.ts';
import { ensureSlurmAccounting, type SlurmCluster, startSlurm } from './support/slurm-cluster.ts';
import { researchAccount, resumeNodes } from './support/slurm-daemon.ts';

const JOBS = Number(process.env['ORRERY_CHAOS_JOBS'] ?? 200);
/**
 * A slurmctld that is killed forgets what it said, begins jobs again, takes one for another and cancels it: what comes of that cannot be foretold, and so
 * is asked for by hand, `ORRERY_CHAOS_JOBS=1000 ORRERY_CHAOS_KILL_SLURMCTLD=yes`.
 */
const IS_CONTROLLER_KILLED = process.env['ORRERY_CHAOS_KILL_SLURMCTLD'] === 'yes';
const DAEMON_KILLS = 20;
/** After this many kills of the daemon the controller is killed too, and is away so long. */
const CONTROLLER_KILLS = new Map([
  [2, 300],
  [5, 3_000],
  [8, 300],
  [11, 1_000],
  [17, 300],
]);
const CUT_AFTER_KILL = 14;
const CUT_MS = 12_000;
const LIVE = new Set<string>(['PENDING', 'RUNNING', 'COMPLETING']);

let home = '';
let ledger = '';
let slurm: SlurmCluster;
let network: NetworkNamespace;
let daemon: RunningDaemon;
const said: string[] = [];
const startedMs = Date.now();
const say = (text: string) => {
  said.push(text);
  process.stderr.write(`${((Date.now() - startedMs) / 1000).toFixed(1).padStart(6)} s  ${text}\n`);
};

beforeAll(async () => {
  if (!ensureSlurmAccounting()) throw new Error('Slurm and slurmdbd are needed');
  home = makeHome();
  ledger = join(home, 'ledger');
  mkdirSync(ledger);
  network = makeNetworkNamespace();
  slurm = await startSlurm({
    nodes: 4,
    cpusPerNode: 8,
    credentialSeconds: 5,
    confLines: [
      'SchedulerParameters=bf_interval=2,bf_resolution=1,batch_sched_delay=1,sched_interval=2,default_queue_depth=1000',
      'MinJobAge=30',
      'SlurmdTimeout=12',
      'KillWait=2',
      'DefMemPerCPU=128',
    ],
    accounting: researchAccount('root'),
  });
  daemon = await start();
}, 180_000);
afterAll(async () => {
  daemon?.process.kill('SIGKILL');
  await daemon?.exited;
  await slurm?.stop();
  network?.remove();
  await removeHome(home);
}, 60_000);

/** Behind a cable that can be cut, Slurm's controller and accounting have another address. */
function confInside(): string {
  const conf = readFileSync(join(slurm.folder, 'slurm.conf'), 'utf8');
  const path = join(slurm.folder, 'slurm-inside.conf');
  const inside = conf.replace(/^(SlurmctldHost=\w.*|AccountingStorageHost=.*)$/gm, (line) =>
    line.replace('127.0.0.1', network.hostAddress),
  );
  writeFileSync(path, inside);
  return path;
}

/** An operator's service manager does no less: again until it is up. */
async function start(): Promise<RunningDaemon> {
  const env = { SLURM_CONF: confInside() };
  const args = ['--host', network.address, '--backend', 'slurm', '--poll-ms', '500'];
  for (let tries = 1; ; tries += 1) {
    try {
      return await startDaemon(home, env, args, network.wrapper);
    } catch (error) {
      if (tries === 30) throw error;
      await sleep(500);
    }
  }
}

async function killDaemon(): Promise<void> {
  daemon.process.kill('SIGKILL');
  await daemon.exited;
  daemon = await start();
}

/** Whatever the daemon is asked while it is being killed is asked again. */
async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await ask();
    } catch (error) {
      if (tries === 200) throw error;
      await sleep(300);
    }
  }
}

/** Asked again after its answer was lost, the job may have ended by it. */
async function cancel(id: number): Promise<void> {
  await patiently(() =>
    daemon.client.cancel(id).catch((error: unknown) => {
      if (!(error instanceof OrreryError) || error.code !== 'ORR_CONFLICT') throw error;
    }),
  );
}

/** By `orrery run --batch`; where its answer was lost the names tell whether the batch was taken. */
async function submitBatch(specs: readonly { name: string }[]): Promise<number[]> {
  const file = join(home, 'batch.ndjson');
  writeFileSync(file, specs.map((spec) => `${JSON.stringify(spec)}\n`).join(''));
  const names = new Set(specs.map(({ name }) => name));
  for (;;) {
    const settings = { home, cwd: home, env: { PATH: '/usr/bin:/bin' }, wrapper: network.wrapper };
    const { code, stdout, stderr } = await orrery(['run', '--batch', file, '--no-snapshot', '--json'], settings);
    if (code === 0) return submitResponseSchema.parse(JSON.parse(stdout)).jobs.map(({ id }) => id);
    if (code !== 5) throw new Error(`orrery run --batch ended with ${code}: ${stderr}`);
    const taken = (await patiently(() => daemon.client.jobs({ all: true }))).filter(({ name }) => names.has(name));
    say(`the answer to a batch was lost: ${taken.length} of its jobs were taken`);
    if (taken.length > 0) return taken.map(({ id }) => id).sort((a, b) => a - b);
  }
}

const expected: Expected[] = [];
const ids: number[] = [];

async function submitAll(): Promise<void> {
  for (let first = 0; first < JOBS; first += BATCH_SIZE) {
    const batch = chaosBatch(first, ledger, (place) => ids[place] ?? 0);
    const given = await submitBatch(batch.specs);
    expect(given).toHaveLength(BATCH_SIZE);
    ids.push(...given);
    expected.push(...batch.expected);
    for (const [index, { cancel: when }] of batch.expected.entries()) {
      const id = given[index] ?? 0;
      if (when === 'at once') await cancel(id);
    }
    await sleep(1_000);
  }
  say(`${ids.length} jobs submitted`);
}

/** Those that would run for ever are cancelled once they run. */
async function cancelRunning(isOver: () => boolean): Promise<void> {
  const cancelled = new Set<number>();
  while (!isOver()) {
    const states = new Map((await patiently(() => daemon.client.jobs({}))).map(({ id, state }) => [id, state]));
    for (const [place, { cancel: when }] of expected.entries()) {
      const id = ids[place] ?? 0;
      if (when !== 'running' || cancelled.has(id) || states.get(id) !== 'RUNNING') continue;
      await cancel(id);
      cancelled.add(id);
    }
    await sleep(1_000);
  }
}

/** What an operator does: puts nodes back that slurmctld has drained. */
async function operate(isOver: () => boolean): Promise<void> {
  const resumed: string[] = [];
  while (!isOver()) {
    await sleep(2_000);
    resumed.push(...resumeNodes(slurm));
  }
  if (resumed.length > 0) say(`the operator resumed nodes that slurmctld had drained: ${resumed.join(', ')}`);
}

async function wreck(): Promise<void> {
  for (let kill = 1; kill <= DAEMON_KILLS; kill += 1) {
    await sleep(((kill * 397) % 1511) + 700);
    const awayMs = IS_CONTROLLER_KILLED ? CONTROLLER_KILLS.get(kill) : undefined;
    if (awayMs !== undefined) {
      await slurm.killController();
      say(`slurmctld killed, back in ${awayMs} ms`);
      setTimeout(() => slurm.startController(), awayMs);
    }
    await killDaemon();
    if (kill === CUT_AFTER_KILL) {
      network.cut();
      say('the way to Slurm is cut');
      await sleep(CUT_MS);
      network.mend();
      say('the way to Slurm is mended');
    }
  }
  say(`the daemon was killed ${DAEMON_KILLS} times`);
}

const killed = IS_CONTROLLER_KILLED ? 'the daemon and slurmctld are' : 'the daemon is';
describe(`${JOBS} jobs while ${killed} killed and the way between them is cut`, () => {
  it('nothing is lost, nothing runs twice, and every state is the one of accounting', async () => {
    let isOver = false;
    const helpers = [cancelRunning(() => isOver), operate(() => isOver)];
    const submitting = submitAll();
    await wreck();
    await submitting;
    const hasEnded = async () => {
      const live = await patiently(() => daemon.client.jobs({}));
      return live.every(({ state }) => !LIVE.has(state));
    };
    await until(hasEnded, 'all jobs to end', 900_000).catch(async (error: unknown) => {
      throw new Error(`${errorMessage(error)}\n${await whatHangs()}`, { cause: error });
    });
    isOver = true;
    await Promise.all(helpers);
    say('all have ended');
    expect(ids).toHaveLength(JOBS);
    expect(new Set(ids).size).toBe(JOBS);
    tell();
    const wrong = [...(await wrongEnds()), ...wrongJournal(), ...(await wrongRuns()), ...(await wrongAccounting())];
    expect(wrong).toEqual([]);
  }, 1_200_000);
});

/** Of jobs that do not end: what the daemon, the folder, the daemon's log and Slurm say of them. */
async function whatHangs(): Promise<string> {
  const live = (await daemon.client.jobs({})).filter(({ state }) => LIVE.has(state));
  const jobs = live.slice(0, 4).map(async ({ id, state }) => {
    const why = JSON.stringify(await daemon.client.why(id));
    const folder = join(home, 'jobs', String(id));
    const files = ['submission.json', 'batch.log'].map((name) => join(folder, name)).filter((path) => existsSync(path));
    return [`job ${id} ${state}: ${why}`, ...files.map((path) => readFileSync(path, 'utf8').slice(-1_000))];
  });
  const slurmSays = [
    ['squeue', '-a', '-l'],
    ['sinfo', '-N', '-l'],
    ['scontrol', 'show', 'job'],
  ].map(
    ([command = '', ...args]) => spawnSync(command, args, { env: slurm.env, encoding: 'utf8', timeout: 10_000 }).stdout,
  );
  const log = readFileSync(join(home, 'daemon.log'), 'utf8').slice(-4_000);
  const parts = [`${live.length} jobs are left`, ...(await Promise.all(jobs)).flat(), log, ...slurmSays];
  return parts.map((part) => part.slice(0, 6_000)).join('\n');
}

/** Every job ended as it was to. */
async function wrongEnds(): Promise<string[]> {
  const jobs = new Map((await daemon.client.jobs({ all: true })).map((job) => [job.id, job]));
  return ids.flatMap((id, place) => {
    const job = jobs.get(id);
    const { state, exitCode } = expected[place] ?? {};
    return job?.state === state && (state === 'CANCELLED' || job?.exitCode === exitCode)
      ? []
      : [`job ${id}: ${job?.state} ${job?.exitCode}, expected ${state} ${exitCode}; ${leftBy(home, id)}`];
  });
}

/** The journal has one end for each job, and of each attempt one start and one end. */
function wrongJournal(): string[] {
  const counts = new Map<string, number>();
  for (const line of readJournalFile(join(home, 'orrery.db'))) {
    if (line.kind !== 'event') continue;
    const { event } = line;
    if (event.kind !== 'JobEnded' && event.kind !== 'AttemptStarting' && event.kind !== 'AttemptEnded') continue;
    const key = `${event.kind} of job ${event.jobId}${'attempt' in event ? `, attempt ${event.attempt}` : ''}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const ends = [...counts.keys()].filter((key) => key.startsWith('JobEnded')).length;
  const twice = [...counts].filter(([, count]) => count !== 1).map(([key, count]) => `${key}: ${count} times`);
  return ends === JOBS ? twice : [...twice, `the journal has ${ends} ends of jobs`];
}

/** By what the tasks wrote themselves: no attempt ran twice, no work that was done was done again, nothing began before what it waited for. */
async function wrongRuns(): Promise<string[]> {
  const wrong: string[] = [];
  let more = 0;
  let waiting = 0;
  for (const [place, id] of ids.entries()) {
    const { ranks = 0, waitsFor = null, cancel = null } = expected[place] ?? {};
    const lines = readLedger(ledger, id);
    const starts = lines.filter(({ what }) => what === 'start');
    const ends = lines.filter(({ what }) => what === 'end');
    const { attempts, slurmJobId } = await daemon.client.job(id);
    if (starts.length > 0 && slurmJobId === null) wrong.push(`job ${id}: ran, and has no number of Slurm's`);
    const keys = starts.map(({ attempt, rank }) => `${attempt}.${rank}`);
    if (new Set(keys).size !== keys.length) wrong.push(`job ${id}: an attempt ran twice: ${keys.join(' ')}`);
    const unknown = starts.filter(({ attempt }) => !attempts.some((other) => other.attempt === attempt));
    if (unknown.length > 0) wrong.push(`job ${id}: ran attempts that the journal does not have: ${keys.join(' ')}`);
    const worked = new Map(
      Array.from({ length: ranks }, (_, rank) => [rank, ends.filter((end) => end.rank === rank).length]),
    );
    if (cancel === null && [...worked.values()].some((count) => count !== 1))
      wrong.push(
        `job ${id}: its work was done ${[...worked.values()].join(' and ')} times: ${JSON.stringify(attempts.map(({ attempt, state, message }) => [attempt, state, message]))}`,
      );
    if (cancel !== null && ends.length > 0) wrong.push(`job ${id}: cancelled, and did its work`);
    if (attempts.length > 1) more += 1;
    if (waitsFor === null) continue;
    waiting += 1;
    // One that was cancelled may have a start alone.
    const before = readLedger(ledger, ids[waitsFor] ?? 0);
    if (Math.min(...starts.map(({ atMs }) => atMs)) < Math.max(...before.map(({ atMs }) => atMs)))
      wrong.push(`job ${id}: began before job ${ids[waitsFor]} had ended`);
  }
  say(`${more} jobs had more than one attempt, ${waiting} waited for another`);
  return wrong;
}

/** The job's last submission is in accounting as we have it, and Slurm has none of them any more. */
async function wrongAccounting(): Promise<string[]> {
  const left = execFileSync('squeue', ['-h', '-o', 'left in squeue: %i %j %T'], { env: slurm.env, encoding: 'utf8' });
  let differing: string[] = [];
  // slurmctld tells slurmdbd what has ended some seconds later.
  const isSettled = () => {
    differing = differingEnds({ slurm, home, ledger, ids, expected });
    return differing.length === 0;
  };
  await until(isSettled, 'accounting to know all ends', 180_000).catch(() => undefined);
  // A slurmctld that was killed has lost the end: the job's own script is the witness, and of what was cancelled that it did no work.
  const lost = IS_CONTROLLER_KILLED ? differing.filter((line) => line.startsWith(LOST_END)) : [];
  if (lost.length > 0) say(`${lost.length} ends that slurmctld lost: the scripts of the jobs are the witnesses`);
  return [...left.split('\n').filter((line) => line !== ''), ...differing.filter((line) => !lost.includes(line))];
}

/** What happened, in numbers. */
function tell(): void {
  const records = ids.map((id) => readRecord(home, id));
  const again = records.filter(({ submission }) => submission > 1);
  const logs = ids.map((id) => {
    const path = join(home, 'jobs', String(id), 'batch.log');
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  });
  const duplicates = logs.reduce((sum, log) => sum + (log.match(/does nothing/g)?.length ?? 0), 0);
  const early = logs.reduce((sum, log) => sum + (log.match(/begins nothing/g)?.length ?? 0), 0);
  say(
    `${again.length} jobs were submitted more than once (${again.reduce((sum, { submission }) => sum + submission - 1, 0)} submissions more); ` +
      `${duplicates} duplicates turned away by their scripts, ${early} that Slurm began before their time`,
  );
}
