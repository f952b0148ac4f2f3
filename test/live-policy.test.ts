import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { replayJournal } from '../src/cli/sim/replay.ts';
import type { JobSummary } from '../src/contract/api.ts';
import { makeHome, processesWith, removeHome, type RunningDaemon, startDaemon, until } from './support/daemon.ts';
import { haveEnded, readLog } from './support/jobs.ts';

const POLICY = `
priority: {type: multifactor, weights: {age: 1000, fairshare: 2000, qos: 10000}}
preempt: {type: qos, mode: requeue}
qos:
  - {name: normal, graceSeconds: 1}
  - {name: high, priority: 100, preempts: [normal], perUser: {jobs: 1}}
  - {name: exempt, preemptExemptSeconds: 1}
  - {name: urgent, priority: 200, preempts: [exempt]}
  - {name: brief, wallSecondsMax: 6}
`;

let home: string;
let daemon: RunningDaemon;

beforeEach(async () => {
  home = makeHome();
  writeFileSync(join(home, 'site.yaml'), POLICY);
  daemon = await startDaemon(home, {}, ['--nodes', '2', '--policy', join(home, 'site.yaml')]);
});
afterEach(async () => {
  await daemon.client.shutdown({ cancel: true });
  await daemon.exited;
  await removeHome(home);
});

/** Kills the daemon and starts it again without a word of its policy. */
async function restart(): Promise<void> {
  daemon.process.kill('SIGKILL');
  await daemon.exited;
  daemon = await startDaemon(home, {}, ['--nodes', '2']);
}

async function submit(spec: Parameters<RunningDaemon['client']['submit']>[0]['jobs'][number]): Promise<number> {
  return (await daemon.client.submit({ jobs: [spec] })).jobs[0]?.id ?? 0;
}

const isIn = (id: number, state: JobSummary['state']) => async () => (await daemon.client.job(id)).state === state;

/** Rank 0 counts in its checkpoint how often it was begun; each rank waits for the file `go` in the home. */
const counting = () => ({
  script: [
    '#!/bin/sh',
    'if [ "$RANK" = 0 ]; then',
    '  n=$(cat "$ORRERY_CHECKPOINT_DIR/count" 2>/dev/null || echo 0)',
    '  echo $((n + 1)) > "$ORRERY_CHECKPOINT_DIR/count"',
    '  echo "attempt $ORRERY_ATTEMPT finds $n"',
    'fi',
    'while [ ! -e "$GO" ]; do sleep 0.05; done',
    '',
  ].join('\n'),
  env: { GO: join(home, 'go') },
});

describe('a time limit', () => {
  it('gives a job that asks for no time that of its QOS, and warns it before', async () => {
    const script = "#!/bin/sh\ntrap 'echo warned' USR1\nwhile :; do sleep 0.1; done\n";
    const id = await submit({ script, qos: 'brief', signal: 'USR1@4' });
    expect((await daemon.client.job(id)).timeLimit).toBe(6);
    await until(() => haveEnded(daemon.client, [id]), 'its time to be up');
    expect((await daemon.client.job(id)).state).toBe('TIMEOUT');
    expect(await readLog(daemon.client, id)).toContain('warned');
  });
});

describe('preemption', () => {
  it('ends a job for one of a higher QOS and resumes it later from its checkpoint, also if the daemon dies meanwhile', async () => {
    const victim = await submit({ ...counting(), nodes: 2, exclusive: true, name: 'victim' });
    await until(async () => (await readLog(daemon.client, victim)) === 'attempt 1 finds 0\n', 'the victim to run');
    const over = join(home, 'over');
    const waiting = ['sh', '-c', `until [ -e ${over} ]; do sleep 0.05; done`];
    const other = await submit({ command: waiting, nodes: 2, exclusive: true, qos: 'high' });
    await until(isIn(other, 'RUNNING'), 'the other job to run');
    expect(await daemon.client.job(victim)).toMatchObject({ state: 'PENDING', requeues: 0, attempt: 1 });
    expect((await daemon.client.why(victim)).detail.join(' ')).toContain(`preempted by job ${other}`);
    await restart();
    expect((await daemon.client.health()).policy).toBe('site.yaml');
    writeFileSync(over, '');
    await until(isIn(victim, 'RUNNING'), 'the victim to run again');
    writeFileSync(join(home, 'go'), '');
    await until(() => haveEnded(daemon.client, [victim, other]), 'both jobs to end');
    const { state, attempts } = await daemon.client.job(victim);
    expect({ state, attempts: attempts.map((attempt) => [attempt.state, attempt.message]) }).toEqual({
      state: 'COMPLETED',
      attempts: [
        ['PREEMPTED', `preempted by job ${other}`],
        ['COMPLETED', null],
      ],
    });
    expect(await readLog(daemon.client, victim)).toBe('attempt 1 finds 0\nattempt 2 finds 1\n');
    expect(replayJournal(home).firstDifference).toBeNull();
  });

  it('gives a job the grace time of its QOS and no more, also across a restart of the daemon', async () => {
    const script =
      '#!/bin/sh\n[ "$RANK" = 0 ] || exec sleep 600\ntrap "echo told" TERM\necho up\nwhile :; do sleep 0.05; done\n';
    const victim = await submit({ script, nodes: 2, exclusive: true, env: { MARK: home } });
    await until(async () => (await readLog(daemon.client, victim)) === 'up\n', 'the victim to run');
    const other = await submit({ command: ['true'], nodes: 2, exclusive: true, qos: 'high' });
    await until(async () => (await readLog(daemon.client, victim)).includes('told'), 'the victim to be told');
    expect(processesWith(`MARK=${home}\0`).length).toBeGreaterThan(0);
    await restart();
    // With KillWait (30 s) in the place of the grace time (1 s) this would be too short.
    await until(() => haveEnded(daemon.client, [other]), 'the other job to end', 20_000);
    await daemon.client.cancel(victim);
    await until(() => haveEnded(daemon.client, [victim]), 'the victim to end');
    expect((await daemon.client.job(victim)).attempts[0]?.state).toBe('PREEMPTED');
    expect(replayJournal(home).firstDifference).toBeNull();
  }, 60_000);

  it('leaves a job alone until its PreemptExemptTime is over', async () => {
    const victim = await submit({ command: ['sleep', '60'], nodes: 2, exclusive: true, qos: 'exempt' });
    await until(isIn(victim, 'RUNNING'), 'the victim to run');
    const other = await submit({ command: ['true'], nodes: 2, exclusive: true, qos: 'urgent' });
    await until(() => haveEnded(daemon.client, [other]), 'the other job to end');
    const [first] = (await daemon.client.job(victim)).attempts;
    expect(first?.state).toBe('PREEMPTED');
    expect((first?.endTime ?? 0) - (first?.startTime ?? 0)).toBeGreaterThanOrEqual(1);
    expect(replayJournal(home).firstDifference).toBeNull();
  });

  it('holds a job up that is over a limit, and says which', async () => {
    const [first, second] = [
      await submit({ command: ['sleep', '60'], qos: 'high' }),
      await submit({ command: ['sleep', '60'], qos: 'high' }),
    ];
    await until(isIn(first, 'RUNNING'), 'the first job to run');
    expect(await daemon.client.why(second)).toMatchObject({ state: 'PENDING', reason: 'QOSMaxJobsPerUserLimit' });
    expect((await daemon.client.why(second)).detail[0]).toContain('of 1 running jobs allowed 1 are taken');
    await daemon.client.cancel(first);
    await until(isIn(second, 'RUNNING'), 'the second job to run');
  });
});

describe('an array', () => {
  it('runs each task once, no more at a time than its throttle allows, under the names of Slurm', async () => {
    const ledger = join(home, 'ledger');
    const line = 'echo "$1 $ORRERY_ARRAY_JOB_ID $SLURM_ARRAY_TASK_ID $SLURM_ARRAY_TASK_COUNT" >> "$LEDGER"';
    const script = `#!/bin/sh\nsay() { ${line}; }\nsay begin\nsleep 0.1\necho "task $ORRERY_ARRAY_TASK_ID"\nsay end\n`;
    const { jobs } = await daemon.client.submit({
      jobs: [{ name: 'sweep', script, array: '1-9:2%2', memory: '64M', env: { LEDGER: ledger } }],
    });
    const arrayId = jobs[0]?.id ?? 0;
    expect(jobs).toEqual(
      [1, 3, 5, 7, 9].map((taskId, index) => ({
        id: arrayId + index,
        name: 'sweep',
        arrayJobId: arrayId,
        arrayTaskId: taskId,
      })),
    );
    const after = await submit({ command: ['true'], after: `afterok:${arrayId}` });
    await restart();
    await until(() => haveEnded(daemon.client, [...jobs.map(({ id }) => id), after]), 'all jobs to end');
    const lines = readFileSync(ledger, 'utf8').trim().split('\n');
    let running = 0;
    for (const entry of lines) {
      running += entry.startsWith('begin') ? 1 : -1;
      expect(running).toBeLessThanOrEqual(2);
    }
    const begun = lines.filter((entry) => entry.startsWith('begin')).toSorted();
    expect(begun).toEqual([1, 3, 5, 7, 9].map((taskId) => `begin ${arrayId} ${taskId} 5`));
    let log = '';
    for await (const chunk of daemon.client.logs(`${arrayId}_7`)) log += chunk.text;
    expect(log).toBe('task 7\n');
    expect(await daemon.client.jobs({ all: true, array: arrayId })).toMatchObject(
      [1, 3, 5, 7, 9].map((arrayTaskId) => ({ arrayJobId: arrayId, arrayTaskId, state: 'COMPLETED' })),
    );
    const [last, ended] = [await daemon.client.job(after), await daemon.client.jobs({ all: true, array: arrayId })];
    expect(last.state).toBe('COMPLETED');
    for (const { endTime } of ended) expect(endTime ?? Infinity).toBeLessThanOrEqual(last.startTime ?? 0);
    expect(replayJournal(home).firstDifference).toBeNull();
  });

  it('is cancelled task by task, or whole by its id', async () => {
    const arrayId = await submit({ command: ['sleep', '60'], array: '0-4%1', memory: '64M' });
    const states = async () => (await daemon.client.jobs({ all: true, array: arrayId })).map(({ state }) => state);
    await until(async () => (await states())[0] === 'RUNNING', 'the first task to run');
    const waiting = await daemon.client.why(`${arrayId}_3`);
    expect(waiting.reason).toBe('JobArrayTaskLimit');
    expect(waiting.detail[0]).toContain('1 tasks of array');
    await daemon.client.cancel(`${arrayId}_0`);
    await until(async () => (await states())[1] === 'RUNNING', 'the next task to run');
    expect(await states()).toEqual(['CANCELLED', 'RUNNING', 'PENDING', 'PENDING', 'PENDING']);
    await daemon.client.cancel(arrayId);
    await until(async () => (await states()).every((state) => state === 'CANCELLED'), 'all tasks to end');
    await expect(daemon.client.cancel(arrayId)).rejects.toMatchObject({ code: 'ORR_CONFLICT' });
    await expect(daemon.client.job(`${arrayId}_5`)).rejects.toMatchObject({ code: 'ORR_NOT_FOUND' });
  });
});

describe('a reservation', () => {
  it('keeps its nodes for its jobs through a restart, and a job out that would run into it', async () => {
    const nowS = Date.now() / 1000;
    const user = (await daemon.client.job(await submit({ command: ['true'] }))).user;
    await daemon.client.createReservation({ name: 'course', nodes: ['n1'], endTime: nowS + 3600, users: [user] });
    await daemon.client.createReservation({
      name: 'repair',
      nodes: ['n2'],
      startTime: nowS + 1800,
      endTime: nowS + 3600,
    });
    const clash = daemon.client.createReservation({ name: 'clash', nodes: ['n1', 'n2'], endTime: nowS + 60 });
    await expect(clash).rejects.toMatchObject({ code: 'ORR_CONFLICT', message: expect.stringContaining('course') });
    await restart();
    expect((await daemon.client.reservations()).map(({ name, state }) => [name, state])).toEqual([
      ['course', 'active'],
      ['repair', 'planned'],
    ]);
    const inside = await submit({ command: ['sleep', '60'], reservation: 'course' });
    const short = await submit({ command: ['sleep', '60'], time: '10m' });
    const long = await submit({ command: ['sleep', '60'], time: '2h' });
    await until(isIn(inside, 'RUNNING'), 'the job of the reservation to run');
    await until(isIn(short, 'RUNNING'), 'the short job to run');
    expect((await daemon.client.job(inside)).nodeList).toEqual(['n1']);
    expect((await daemon.client.job(short)).nodeList).toEqual(['n2']);
    expect((await daemon.client.why(long)).detail.join(' ')).toContain('Reservations keep it off n1, n2');
    await expect(daemon.client.deleteReservation('course')).rejects.toMatchObject({ code: 'ORR_CONFLICT' });
    await expect(submit({ command: ['true'], reservation: 'repair' })).rejects.toThrow(/is not for user/);
    await daemon.client.deleteReservation('repair');
    await until(isIn(long, 'RUNNING'), 'the long job to run');
    expect(replayJournal(home).firstDifference).toBeNull();
  });
});

describe('fair-share', () => {
  it('knows after a restart what ended jobs used, and is replayed so', async () => {
    const ids = [await submit({ command: ['sleep', '0.3'], cpus: 2 }), await submit({ command: ['sleep', '0.3'] })];
    await until(() => haveEnded(daemon.client, ids), 'the jobs to end');
    const [before] = await daemon.client.shares();
    expect(before?.billingSeconds).toBeGreaterThan(0.9);
    await restart();
    const [after] = await daemon.client.shares();
    // A week's half-life: next to nothing has faded.
    expect(after?.billingSeconds).toBeCloseTo(before?.billingSeconds ?? Number.NaN, 2);
    expect(after).toMatchObject({ account: 'default', use: 1 });
    await until(() => haveEnded(daemon.client, ids), 'the jobs to be known');
    expect(replayJournal(home).firstDifference).toBeNull();
  });
});

describe('a lemon node', () => {
  it('is found from what happened on it, and known after a restart', async () => {
    const job = await submit({ command: ['sleep', '600'], exclude: ['n1'], maxRequeues: 100 });
    for (let failure = 1; failure <= 5; failure += 1) {
      await until(isIn(job, 'RUNNING'), 'the job to run');
      await daemon.client.failNode('n2', 'drill');
      await until(async () => (await daemon.client.job(job)).requeues === failure, 'the job to be requeued');
      await daemon.client.resumeNode('n2');
    }
    const found = await daemon.client.lemons();
    expect(found.nodes.map(({ name, isLemon }) => [name, isLemon])).toEqual([
      ['n1', false],
      ['n2', true],
    ]);
    expect(found.nodes[1]?.evidence.filter(({ value }) => value > 0)).toMatchObject([
      { signal: 'out_count', value: 5 },
      { signal: 'single_node_node_fails', value: 5 },
      { signal: 'single_node_node_failure_rate', value: 1 },
    ]);
    await restart();
    expect(await daemon.client.lemons()).toEqual(found);
  });
});
