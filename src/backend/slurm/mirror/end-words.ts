import type { EndState } from '../../../scheduler/types.ts';
import { formatMemory } from '../../../lib/units.ts';
import { END_MESSAGES } from '../../end-messages.ts';
import { endOfRank, SIGKILL_STATUS, SIGTERM_STATUS } from '../../end-status.ts';
import type { AttemptFacts } from '../batch/job-folder.ts';
import type { SlurmJob } from '../output/slurm-job.ts';

const END_STATES: Readonly<Record<string, EndState>> = {
  COMPLETED: 'COMPLETED',
  FAILED: 'FAILED',
  CANCELLED: 'CANCELLED',
  TIMEOUT: 'TIMEOUT',
  DEADLINE: 'TIMEOUT',
  PREEMPTED: 'PREEMPTED',
  NODE_FAIL: 'NODE_FAIL',
  BOOT_FAIL: 'NODE_FAIL',
  OUT_OF_MEMORY: 'OUT_OF_MEMORY',
  REVOKED: 'CANCELLED',
};

export function endState(slurmState: string): EndState {
  return END_STATES[slurmState] ?? 'FAILED';
}

/**
 * What `slurm-batch.sh` ends with where another has the claim, where the folder of jobs is not there, where no task began, and where a job before it
 * has not ended.
 */
export const DUPLICATE_STATUS = 73;
export const NO_FOLDER_STATUS = 74;
export const LAUNCH_STATUS = 75;
export const PREDECESSOR_STATUS = 76;
/** It could not claim its attempt, or write a file for how that ends: the file system takes no files. */
export const NO_ROOM_STATUS = 77;

/** Of a shell's, after a process that SIGKILL or SIGTERM ended. */
const TOLD_STATUSES: ReadonlySet<number> = new Set([SIGKILL_STATUS, SIGTERM_STATUS]);

export function launchText({ exitStatus: { code }, nodeNames }: SlurmJob): string {
  const node = nodeNames[0] ?? 'its node';
  if (code === NO_FOLDER_STATUS) return `the folder of Orrery's jobs is not there on ${node}: see --shared`;
  if (code === NO_ROOM_STATUS)
    return `the folder of Orrery's jobs takes no files on ${node}: is its disk full, or a quota used up?`;
  return code === LAUNCH_STATUS
    ? `srun began no task on ${node}: see batch.log in the job's folder`
    : `${node} began it twice`;
}

/** What an attempt came to that ended by itself, with this status. */
export function ownState(status: number, own: AttemptFacts | null): 'COMPLETED' | 'FAILED' | 'OUT_OF_MEMORY' {
  if (status === 0) return 'COMPLETED';
  return own !== null && own.memory !== null ? 'OUT_OF_MEMORY' : 'FAILED';
}

/**
 * With the word of a rank in the place of that of a script that was killed before it had one: of a rank that failed srun tells slurmctld, waits for it
 * where it is away, and one that comes back without its memory has the job killed. Of several nodes they may have failed for one that they lost, and
 * what SIGTERM or SIGKILL ended was told to.
 */
export function withFailureLeft(own: AttemptFacts, nodes: number): AttemptFacts {
  const { failed, exit } = own;
  if (exit !== null || failed === null || nodes > 1 || TOLD_STATUSES.has(failed.status)) return own;
  return { ...own, exit: { status: failed.status, endedMs: failed.atMs, isTold: false } };
}

/** `limitBytes`: what it may use on a node; null where that is not known. */
function memoryText(memory: string | null, limitBytes: number | null): string {
  const [, used, allowed] = /exceeded memory limit \((\d+) > (\d+)\)/.exec(memory ?? '') ?? [];
  if (used !== undefined && allowed !== undefined) {
    const [had, most] = [formatMemory(Number(used)), formatMemory(Number(allowed))];
    return `${END_MESSAGES.OUT_OF_MEMORY}: used ${had} of the ${most} that it may use on a node`;
  }
  return limitBytes === null
    ? END_MESSAGES.OUT_OF_MEMORY
    : `${END_MESSAGES.OUT_OF_MEMORY}: it may use ${formatMemory(limitBytes)} on a node`;
}

export function failureText({ failed, memory, exit }: AttemptFacts): string | null {
  if (memory !== null) return memoryText(memory, null);
  if (exit?.isCalledOff === true) return 'Slurm killed its tasks, and nobody had cancelled it';
  if (failed === null) return null;
  const { rank, status, nodeName } = failed;
  return endOfRank(rank, nodeName, status);
}

export function messageOf(slurm: SlurmJob, own: AttemptFacts | null, state: EndState): string | null {
  if (state === 'COMPLETED') return null;
  if (state === 'OUT_OF_MEMORY') return memoryText(own?.memory ?? null, slurm.memoryBytesPerNode);
  const messages: Partial<Record<EndState, string>> = END_MESSAGES;
  const message = messages[state];
  if (message !== undefined) return message;
  const failure = own === null ? null : failureText(own);
  if (failure !== null) return failure;
  const exit = own?.exit ?? null;
  return exit === null ? `Slurm: ${slurm.reason}` : `srun ended with ${exit.status}`;
}
