import type { MirrorJob } from '../mirror/mirror-job.ts';
import type { MirrorState } from '../mirror/mirror-state.ts';
import { dependencyText, type OpenDependencies } from '../mirror/open-dependencies.ts';
import { kindOf, type RefusedKinds } from './refused-kinds.ts';
import { isReady, taskGroup } from './task-group.ts';
import { tasksAtSlurm } from './throttle.ts';

/** A call of sbatch that may be made now. */
export interface NextCall {
  /** One job, or tasks of an array that go as an array. */
  group: readonly MirrorJob[];
  dependency: OpenDependencies;
}

export interface NextCallsOptions {
  kinds: RefusedKinds;
  /** Arrays that sbatch refused as such: their tasks go by themselves. */
  refusedArrays: ReadonlySet<number>;
  maxArraySize: number;
  nowMs: number;
  /** By the clock that `kinds` go by. */
  tickMs: number;
}

/**
 * For which jobs sbatch may be called now, in the order of their ids; of each kind of which Slurm took no more, before them, the one that asks whether
 * there is room again. Whoever takes one makes the call (`phase`) before taking the next. What jobs wait for here is noted in them.
 */
export function* nextCalls(state: MirrorState, options: NextCallsOptions): Generator<NextCall> {
  const { kinds, nowMs, tickMs } = options;
  const atSlurm = tasksAtSlurm(state);
  kinds.follow(state.jobs.values());
  // What can never be taken (too large for its QOS) may be told in the same words: who was refused least often asks.
  const asking = new Map<string, { job: MirrorJob; dependency: OpenDependencies }>();
  for (const job of state.jobs.values()) {
    const kind = kindOf(job.request);
    if (!kinds.isWaiting(kind) || !isReady(job, nowMs)) continue;
    job.hindrance = kinds.reason(kind);
    if (!kinds.mayGo(kind, tickMs)) continue;
    const dependency = openDependency(job, state, atSlurm, options);
    const first = asking.get(kind);
    const isFirst = first === undefined || job.limitRefusals < first.job.limitRefusals;
    if (dependency !== null && isFirst) asking.set(kind, { job, dependency });
  }
  for (const { job, dependency } of asking.values()) yield callOf(job, dependency, state, atSlurm, options);
  for (const job of state.jobs.values()) {
    if (!isReady(job, nowMs) || kinds.isWaiting(kindOf(job.request))) continue;
    const dependency = openDependency(job, state, atSlurm, options);
    if (dependency !== null) yield callOf(job, dependency, state, atSlurm, options);
  }
}

/** Null where the job waits for something of its own: a place in its array, another job, or to be released. */
function openDependency(
  job: MirrorJob,
  state: MirrorState,
  atSlurm: ReadonlyMap<number, number>,
  { refusedArrays, nowMs }: NextCallsOptions,
): OpenDependencies | null {
  const { array } = job.request;
  // `%4` of an array: beside an array that Slurm has, its own `%4` counts its tasks alone.
  job.isThrottled =
    array !== undefined && !job.isHeld && (atSlurm.get(array.id) ?? 0) >= (array.runningMax ?? Infinity);
  if (job.isThrottled) return null;
  const dependency = dependencyText(job, state, nowMs);
  job.isNeverSatisfied = dependency === 'never';
  return typeof dependency === 'string' || isHeldHere(job, atSlurm, refusedArrays) ? null : dependency;
}

/** Whether the job is no task, or one that goes to Slurm by itself. */
function goesAlone(
  { request: { array } }: MirrorJob,
  atSlurm: ReadonlyMap<number, number>,
  refusedArrays: ReadonlySet<number>,
): boolean {
  if (array === undefined || refusedArrays.has(array.id)) return true;
  return array.runningMax !== null && (atSlurm.get(array.id) ?? 0) > 0;
}

/** Whether it waits here until it is released: Slurm, where anybody may release it (`scontrol release`), knows of no `%4` of a task that went by itself. */
function isHeldHere(job: MirrorJob, atSlurm: ReadonlyMap<number, number>, refusedArrays: ReadonlySet<number>): boolean {
  const { array } = job.request;
  return job.isHeld && array !== undefined && array.runningMax !== null && goesAlone(job, atSlurm, refusedArrays);
}

function callOf(
  job: MirrorJob,
  dependency: OpenDependencies,
  state: MirrorState,
  atSlurm: Map<number, number>,
  { kinds, refusedArrays, maxArraySize, nowMs }: NextCallsOptions,
): NextCall {
  const { array } = job.request;
  const tasks = array === undefined ? 0 : (atSlurm.get(array.id) ?? 0);
  const group = goesAlone(job, atSlurm, refusedArrays)
    ? [job]
    : taskGroup(job, state.jobs.values(), { nowMs, maxArraySize });
  // Of one call all are held, or none.
  if (array !== undefined && !job.isHeld) atSlurm.set(array.id, tasks + group.length);
  kinds.begin(kindOf(job.request));
  return { group, dependency };
}
