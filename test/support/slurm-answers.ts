import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { parseSlurmConf } from '../../src/formats/slurm-conf.ts';
import { parseDurationMs } from '../../src/lib/units.ts';
import { createScheduler } from '../../src/scheduler/scheduler.ts';
import type { JobRequest } from '../../src/scheduler/types.ts';
import type { SlurmCluster } from './slurm-cluster.ts';

/** One CPU in partition `all`, QOS `normal` and account `vision`, and no time limit, unless it says otherwise. */
export interface Asked {
  partition?: string;
  account?: string;
  qos?: string;
  cpus?: number;
  nodes?: number;
  minutes?: number;
  mebibytes?: number;
}

/**
 * What our scheduler and the controller say of jobs that both are given, three seconds after they first say the same: why each waits, or also where it
 * started. `firstId`: of the jobs as ours knows them, which is the millisecond at which it gets one.
 */
export async function answersOf(
  slurm: SlurmCluster,
  jobs: readonly Asked[],
  what: 'reason' | 'start',
  scheduler = schedulerOf(slurm),
  firstId = 1,
) {
  for (const [index, asked] of jobs.entries()) scheduler.submit(firstId + index, asked);
  const ours = Array.from(jobs.keys(), (index) => scheduler[what](firstId + index));
  const ids = jobs.map((asked) => submit(slurm, asked).stdout.trim());
  const look = () => (what === 'reason' ? reasonsOf : startsOf)(slurm, ids);
  try {
    await expect.poll(look, { timeout: 120_000, interval: 500 }).toEqual(ours);
    // What waits does so for good.
    await sleep(3000);
    return { ours, theirs: look() };
  } finally {
    await cancelAll(slurm);
  }
}

const PLAIN = { partition: 'all', account: 'vision', qos: 'normal', cpus: 1 } as const;

export function submit(slurm: SlurmCluster, asked: Asked, command = 'sleep 600') {
  const { partition, account, qos, cpus, nodes, minutes, mebibytes } = { ...PLAIN, ...asked };
  const size = [`-n${Math.max(cpus, nodes ?? 1)}`, ...(nodes === undefined ? [] : [`-N${nodes}`])];
  const time = minutes === undefined ? [] : [`-t${minutes}`];
  const memory = mebibytes === undefined ? [] : [`--mem=${mebibytes}`];
  const args = ['--parsable', '-o/dev/null', `-p${partition}`, `-A${account}`, `-q${qos}`, ...size, ...time, ...memory];
  return spawnSync('/usr/bin/sbatch', [...args, `--wrap=${command}`], { env: slurm.env, encoding: 'utf8' });
}

/** Which of several jobs is the first that waits for nodes depends on who looked last. */
const FOR_NODES = /^(?:Priority|Nodes required for job are DOWN, DRAINED or reserved .*)$/;

/** `None` of one that runs. */
function reasonsOf({ env }: SlurmCluster, ids: readonly string[]): (string | undefined)[] {
  const text = execFileSync('/usr/bin/squeue', ['-h', '-o', '%i|%r'], { env, encoding: 'utf8' });
  const reasons = new Map(
    text.split('\n').map((line) => {
      const [id = '', reason = ''] = line.split('|');
      const plain = reason.replace(/^Job's account not .*/, 'AccountNotAllowed');
      return [id, plain.replace(/^Job's QOS not .*/, 'QOSNotAllowed').replace(FOR_NODES, 'Resources')] as const;
    }),
  );
  return ids.map((id) => reasons.get(id));
}

/** Where jobs run and for how long they may, in minutes; of the others why they do not. */
function startsOf(slurm: SlurmCluster, ids: readonly string[]): (string | undefined)[] {
  const text = execFileSync('/usr/bin/squeue', ['-h', '-tR', '-o', '%i|%P|%l'], { env: slurm.env, encoding: 'utf8' });
  const starts = new Map(
    text.split('\n').map((line) => {
      const [id = '', partition = '', time = ''] = line.split('|');
      // What it shows of those that run for ever depends on whether accounting has been told of them.
      const limitMs = time === 'UNLIMITED' || time === '365-00:00:00' ? null : (parseDurationMs(time) ?? null);
      return [id, startText(partition, limitMs)] as const;
    }),
  );
  const reasons = reasonsOf(slurm, ids);
  return ids.map((id, index) => starts.get(id) ?? reasons[index]);
}

function startText(partition: string, limitMs: number | null): string {
  return `in ${partition} for ${limitMs === null ? 'ever' : `${limitMs / 60_000} min`}`;
}

export async function cancelAll({ env }: SlurmCluster): Promise<void> {
  // Those that wait first, or they would start.
  for (const state of ['PENDING', 'RUNNING'])
    spawnSync('/usr/bin/scancel', ['-t', state, '-u', userInfo().username], { env });
  while (execFileSync('/usr/bin/squeue', ['-h'], { env, encoding: 'utf8' }) !== '') await sleep(200);
}

/** What Slurm's own files and dumps say, as we read them. */
export function settingsOf({ env, folder }: SlurmCluster) {
  const dump = (...words: string[]) => {
    return {
      name: words[0] ?? '',
      text: execFileSync('/usr/bin/sacctmgr', ['-P', 'show', ...words], { env, encoding: 'utf8' }),
    };
  };
  const conf = { name: 'slurm.conf', text: readFileSync(join(folder, 'slurm.conf'), 'utf8') };
  return parseSlurmConf({ conf, qos: dump('qos'), associations: dump('assoc', 'tree') });
}

/** Ours, under the settings of the controller. */
export function schedulerOf(slurm: SlurmCluster) {
  const { policy, nodes } = settingsOf(slurm);
  const scheduler = createScheduler({ ...policy, cadence: null });
  for (const node of nodes) scheduler.apply({ kind: 'NodeAdded', atMs: 0, node });
  const namedOf = new Map<number, string>();
  const partitionsOf = new Map<number, string>();
  const endings = new Map<number, string>();
  const decide = (atMs: number) => {
    for (const decision of scheduler.decide(atMs).decisions) {
      if (decision.kind === 'StartAttempt') partitionsOf.set(decision.jobId, decision.partition ?? '');
      if (decision.kind !== 'EndAttempt') continue;
      const { jobId, attempt, cause } = decision;
      endings.set(jobId, cause);
      scheduler.apply({ kind: 'AttemptEnded', atMs, jobId, attempt, state: 'FAILED', exitCode: 1 });
    }
  };
  const reason = (jobId: number) => scheduler.job(jobId)?.reason.replace(FOR_NODES, 'Resources');
  let lastMs = 0;
  /** Backfill has its turn. */
  const settle = () => {
    for (let second = 1; second <= 5; second += 1) decide(lastMs + second * 1000);
  };
  return {
    /** False where it is refused. */
    submit(jobId: number, asked: Asked) {
      const { partition, account, qos, cpus, nodes: count = 1, minutes, mebibytes } = { ...PLAIN, ...asked };
      const cpusPerNode = Math.ceil(cpus / count);
      const job: JobRequest = {
        jobId,
        submitMs: jobId,
        priority: 0,
        nodes: count,
        perNode: {
          cpus: cpusPerNode,
          // `DefMemPerCPU=1`.
          memoryBytes: (mebibytes ?? cpusPerNode) * 2 ** 20,
          gpus: 0,
        },
        gpuType: null,
        exclusive: false,
        timeLimitMs: minutes === undefined ? null : minutes * 60_000,
        excludedNodes: [],
        maxRequeues: 0,
        dependencies: [],
        isHeld: false,
        user: userInfo().username,
        account,
        qos,
        partition,
      };
      namedOf.set(jobId, partition);
      lastMs = jobId;
      if (!scheduler.admission(job, jobId).isAdmissible) return false;
      scheduler.apply({ kind: 'JobSubmitted', atMs: jobId, job });
      decide(jobId);
      return true;
    },
    /** It runs for some seconds, and ends. */
    run(jobId: number, asked: Asked, seconds: number) {
      this.submit(jobId, asked);
      const atMs = jobId + seconds * 1000;
      const end = { jobId, attempt: 1, state: 'COMPLETED', exitCode: 0 } as const;
      scheduler.apply({ kind: 'AttemptEnded', atMs, ...end });
      decide(atMs);
    },
    /** Why the attempt of a job is ended; undefined where it is not. */
    ending: (jobId: number) => endings.get(jobId),
    reason: (jobId: number) => {
      settle();
      return reason(jobId);
    },
    /** Of a job that names several partitions where it runs, and for how long it may; of one that waits why it does. */
    start: (jobId: number) => {
      settle();
      const partition = partitionsOf.get(jobId);
      if (partition === undefined) return reason(jobId);
      return startText(partition === '' ? (namedOf.get(jobId) ?? '') : partition, scheduler.limitMs(jobId));
    },
  };
}
