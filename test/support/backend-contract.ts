import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobDetail } from '../../src/contract/api.ts';
import type { JobSpecInput } from '../../src/contract/job.ts';
import { makeHome, processesWith, removeHome, type RunningDaemon, sleep, until } from './daemon.ts';
import { evidenceJob, expectAllWell, haveEnded, makeLedger, readLog } from './jobs.ts';

/** One backend under the contract: a daemon over a cluster of at least four nodes of at least four CPUs. */
export interface ContractWorld {
  /** Makes what the daemon needs, before the first test. */
  prepare?: () => Promise<void>;
  /** Starts the daemon in this home, also after it was killed. */
  start: (home: string) => Promise<RunningDaemon>;
  /** Ends it and what was prepared, as far as they came up. */
  end: (daemon: RunningDaemon | undefined) => Promise<void>;
  nodeNames: readonly string[];
  /** A node is lost with all that runs on it. */
  loseNode: (nodeName: string, daemon: RunningDaemon) => Promise<void>;
  /** It is back and takes jobs. */
  healNode: (nodeName: string, daemon: RunningDaemon) => Promise<void>;
  /** The shortest time limit, as jobs say it. */
  shortestTime: string;
  timeoutMs: number;
  /** Only what depends on how ends are found out. */
  isShort?: true;
}

/** What every backend does, shown by real jobs. */
export function describeBackend(name: string, world: ContractWorld): void {
  const { timeoutMs } = world;
  let home = '';
  let daemon: RunningDaemon | undefined;
  const running = () => {
    if (daemon === undefined) throw new Error('the daemon is not started');
    return daemon;
  };
  const restart = async () => {
    running().process.kill('SIGKILL');
    await running().exited;
    daemon = await world.start(home);
  };
  const client = () => running().client;
  const submit = async (...jobs: JobSpecInput[]): Promise<number[]> =>
    (await client().submit({ jobs, environment: { PATH: '/usr/bin:/bin' } })).jobs.map((job) => job.id);
  const one = async (spec: JobSpecInput) => (await submit({ cpus: 1, memory: '32M', ...spec }))[0] ?? 0;
  const ended = async (id: number): Promise<JobDetail> => {
    await until(() => haveEnded(client(), [id]), `job ${id} to end`, timeoutMs);
    return client().job(id);
  };
  const reaches = async (id: number, isThere: (job: JobDetail) => boolean, what: string) => {
    await until(async () => isThere(await client().job(id)), `job ${id} ${what}`, timeoutMs);
    return client().job(id);
  };
  const says = (id: number, text: string) =>
    until(async () => (await readLog(client(), id)).includes(text), `job ${id} to say ${text}`, timeoutMs);

  const long = world.isShort === true ? it.skip : it;
  const [drained = ''] = world.nodeNames;
  /** The job that runs into its limit. */
  let limited = 0;

  beforeAll(async () => {
    home = makeHome();
    await world.prepare?.();
    daemon = await world.start(home);
    // It runs beside the others: on Slurm that is a minute at least.
    const command = ['sleep', '600'];
    if (world.isShort !== true) limited = await one({ command, time: world.shortestTime, exclude: [drained] });
  }, 180_000);
  afterAll(async () => {
    await world.end(daemon);
    await removeHome(home);
  }, 60_000);

  // Several jobs one after the other, each within its own time.
  describe(`the contract of backends: ${name}`, { timeout: 3 * timeoutMs }, () => {
    it('gives the ranks of a gang the environment of torch.distributed and keeps what each wrote', async () => {
      const id = await one({
        nodes: 2,
        tasksPerNode: 2,
        command: [
          'sh',
          '-c',
          'echo "$RANK $WORLD_SIZE $LOCAL_RANK $LOCAL_WORLD_SIZE $NODE_RANK $OMP_NUM_THREADS"; echo "$MASTER_PORT" >&2',
        ],
      });
      const job = await ended(id);
      expect(job).toMatchObject({ state: 'COMPLETED', exitCode: 0, attempt: 1 });
      expect(job.nodeList).toHaveLength(2);
      const wrote = new Map<number, string>();
      const ports = new Set<string>();
      for await (const { rank, stream, text } of client().logs(id)) {
        if (stream === 'stdout') wrote.set(rank, text.trim());
        else ports.add(text.trim());
      }
      expect([...wrote].sort(([a], [b]) => a - b)).toEqual([
        [0, '0 4 0 2 0 1'],
        [1, '1 4 1 2 0 1'],
        [2, '2 4 0 2 1 1'],
        [3, '3 4 1 2 1 1'],
      ]);
      expect(ports.size).toBe(1);
    });

    it('ends a gang with the status of the first rank that fails', async () => {
      const script = '#!/bin/sh\nif [ "$RANK" = 1 ]; then sleep 1; exit 3; fi\nsleep 600\n';
      const id = await one({ nodes: 2, script });
      const job = await ended(id);
      expect(job).toMatchObject({ state: 'FAILED', exitCode: 3 });
      expect(job.attempts.at(-1)?.message).toMatch(/^rank 1 on \w+ exited with status 3/);
      expect(processesWith(`ORRERY_JOB_ID=${id}\0`).filter((pid) => processesWith(home).includes(pid))).toEqual([]);
    });

    long('hands words, values and secrets on as they are', async () => {
      const word = `it's "one" $HOME \`x\` \\n *\nand a line`;
      const id = await one({
        name: `odd 'name' $(x); #|,`,
        command: ['sh', '-c', 'printf "%s|" "$1" "$VALUE"', 'sh', word],
        env: { VALUE: word },
      });
      expect(await ended(id)).toMatchObject({ state: 'COMPLETED' });
      expect(await readLog(client(), id)).toBe(`${word}|${word}|`);
    });

    long('says that a command is not there', async () => {
      const id = await one({ command: ['no-such-program'] });
      expect(await ended(id)).toMatchObject({ state: 'FAILED', exitCode: 127 });
      let stderr = '';
      for await (const { text } of client().logs(id, { stream: 'stderr' })) stderr += text;
      expect(stderr).toContain('command not found: no-such-program');
    });

    it('cancels what waits and what runs, with all its processes', async () => {
      const waiting = await one({ command: ['true'], hold: true });
      const running = await one({ command: ['sh', '-c', 'echo up; sleep 600'] });
      await says(running, 'up');
      await client().cancel(waiting);
      await client().cancel(running);
      expect(await ended(waiting)).toMatchObject({ state: 'CANCELLED', attempt: 0 });
      expect(await ended(running)).toMatchObject({ state: 'CANCELLED', attempt: 1 });
      expect(processesWith(`ORRERY_JOB_ID=${running}\0`).filter((pid) => processesWith(home).includes(pid))).toEqual(
        [],
      );
    });

    long('holds and releases', async () => {
      const id = await one({ command: ['true'], hold: true });
      await reaches(id, ({ state, reason }) => state === 'PENDING' && reason === 'JobHeldUser', 'to be held');
      await client().release(id);
      expect(await ended(id)).toMatchObject({ state: 'COMPLETED' });
    });

    long('releases what was submitted a moment ago', async () => {
      for (let round = 0; round < 5; round++) {
        const id = await one({ command: ['true'], hold: true });
        await client().release(id);
        expect(await ended(id)).toMatchObject({ state: 'COMPLETED' });
      }
    });

    long('sends a signal to the ranks', async () => {
      const id = await one({
        script: '#!/bin/sh\ntrap "echo got it; exit 0" USR1\necho up\nwhile :; do sleep 0.1; done\n',
      });
      await says(id, 'up');
      await client().signal(id, 'USR1');
      expect(await ended(id)).toMatchObject({ state: 'COMPLETED' });
      expect(await readLog(client(), id)).toBe('up\ngot it\n');
    });

    it('requeues a running job, which finds its checkpoints', async () => {
      const script =
        '#!/bin/sh\nfile=$ORRERY_CHECKPOINT_DIR/count\n[ -e "$file" ] && { cat "$file"; exit 0; }\necho saved by "$ORRERY_ATTEMPT" > "$file"; echo up; sleep 600\n';
      const id = await one({ script });
      await says(id, 'up');
      await client().requeue(id);
      const job = await ended(id);
      expect(job).toMatchObject({ state: 'COMPLETED', attempt: 2, requeues: 0 });
      expect(job.attempts.map(({ state }) => state)).toEqual(['CANCELLED', 'COMPLETED']);
      expect(await readLog(client(), id)).toBe('up\nsaved by 1\n');
    });

    long('runs an ended job again, as a further attempt', async () => {
      const id = await one({ command: ['sh', '-c', 'echo "attempt $ORRERY_ATTEMPT"; exit 4'] });
      expect(await ended(id)).toMatchObject({ state: 'FAILED', exitCode: 4 });
      await client().requeue(id);
      await reaches(id, ({ state, attempt }) => state === 'FAILED' && attempt === 2, 'to fail again');
      expect(await readLog(client(), id)).toBe('attempt 1\nattempt 2\n');
    });

    long('keeps dependencies', async () => {
      const first = await one({ command: ['sh', '-c', 'sleep 1; exit 5'] });
      const any = await one({ command: ['true'], after: `afterany:${first}` });
      const ok = await one({ command: ['true'], after: `afterok:${first}` });
      expect(await ended(any)).toMatchObject({ state: 'COMPLETED' });
      const [start, end] = [(await client().job(any)).startTime, (await client().job(first)).endTime];
      expect(Number(start)).toBeGreaterThanOrEqual(Math.floor(Number(end)));
      await reaches(ok, ({ reason }) => reason.startsWith('Dependency'), 'to wait for what never comes');
      await client().cancel(ok);
      expect(await ended(ok)).toMatchObject({ state: 'CANCELLED', attempt: 0 });
    });

    long('runs the tasks of an array, no more at once than it says', async () => {
      const { jobs } = await client().submit({
        jobs: [
          {
            array: '1-6%2',
            memory: '32M',
            command: ['sh', '-c', 'echo "$ORRERY_ARRAY_TASK_ID $(date +%s.%N)"; sleep 1; date +%s.%N'],
          },
        ],
      });
      const ids = jobs.map(({ id }) => id);
      await until(() => haveEnded(client(), ids), 'the array to end', timeoutMs);
      const spans: [number, number][] = [];
      for (const [index, id] of ids.entries()) {
        const [, task, from, to] = /^(\d+) ([\d.]+)\n([\d.]+)\n$/.exec(await readLog(client(), id)) ?? [];
        expect(Number(task)).toBe(index + 1);
        spans.push([Number(from), Number(to)]);
      }
      const atOnce = spans.map(([from]) => spans.filter(([a, b]) => a <= from && from < b).length);
      expect(Math.max(...atOnce)).toBeLessThanOrEqual(2);
    });

    long('drains a node and resumes it', async () => {
      await client().drainNode(drained, 'for a test');
      const node = async () => (await client().nodes()).find(({ name }) => name === drained);
      expect(await node()).toMatchObject({ reason: 'for a test' });
      // What ran there a moment ago may be on its way out.
      expect((await node())?.state).toMatch(/^drain(?:ing|ed)$/);
      await until(async () => (await node())?.state === 'drained', 'the node to be drained', timeoutMs);
      await client().resumeNode(drained);
      await until(async () => (await node())?.state === 'idle', 'the node to be idle', timeoutMs);
    });

    long(
      'ends a job at its time limit',
      async () => {
        expect(await ended(limited)).toMatchObject({ state: 'TIMEOUT', attempt: 1 });
      },
      400_000,
    );

    it('requeues a gang that loses a node, elsewhere, with its checkpoints', async () => {
      const script = [
        '#!/bin/sh',
        'file=$ORRERY_CHECKPOINT_DIR/of-$RANK',
        '[ -e "$file" ] && { echo "rank $RANK resumes from $(cat "$file")"; exit 0; }',
        'echo "$ORRERY_ATTEMPT" > "$file"',
        'echo up; sleep 600',
        '',
      ].join('\n');
      const id = await one({ nodes: 2, script, exclusive: true });
      await until(
        async () => (await readLog(client(), id)).match(/up/g)?.length === 2,
        'both ranks to be up',
        timeoutMs,
      );
      const lost = (await client().job(id)).nodeList.at(-1) ?? '';
      await world.loseNode(lost, running());
      const job = await ended(id);
      expect(job).toMatchObject({ state: 'COMPLETED', attempt: 2, requeues: 1 });
      expect(job.attempts.map(({ state }) => state)).toEqual(['NODE_FAIL', 'COMPLETED']);
      expect(job.nodeList).not.toContain(lost);
      expect((await client().nodes()).find((node) => node.name === lost)?.state).toBe('down');
      expect(await readLog(client(), id)).toMatch(/rank 0 resumes from 1/);
      await world.healNode(lost, running());
      await until(
        async () => (await client().nodes()).find((node) => node.name === lost)?.state === 'idle',
        'the node to be idle',
        timeoutMs,
      );
    }, 400_000);

    long(
      'outlives its daemon: nothing is lost, nothing runs twice',
      async () => {
        const ledger = makeLedger(home);
        const ids = await submit(
          ...Array.from({ length: 24 }, (_, index) => ({ ...evidenceJob(index, ledger), memory: '32M' })),
        );
        for (let kill = 0; kill < 6; kill += 1) {
          await sleep(((kill * 137) % 811) + 3);
          await restart();
        }
        await until(() => haveEnded(client(), ids), 'all jobs to end', timeoutMs * 2);
        expect(await haveEnded(client(), ids)).toBe(true);
        await expectAllWell(client(), ids, ledger);
      },
      500_000,
    );

    long('leaves no secret behind', async () => {
      writeFileSync(join(home, 'secrets', 'TOKEN'), "s3cr'et", { mode: 0o600 });
      const id = await one({ secrets: ['TOKEN'], command: ['sh', '-c', '[ "$TOKEN" = "s3c""r\'et" ]'] });
      const job = await ended(id);
      expect(job).toMatchObject({ state: 'COMPLETED' });
      await until(
        () => !filesUnder(job.folder).some((file) => readFileSync(file, 'utf8').includes('s3cr')),
        'the secret to be gone',
      );
    });
  });
}

function filesUnder(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) =>
    entry.isFile() ? [join(entry.parentPath, entry.name)] : [],
  );
}
