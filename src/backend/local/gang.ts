import { errorMessage } from '../../lib/error-message.ts';
import { formatMemory } from '../../lib/units.ts';
import { endOfRank, SIGKILL_STATUS } from '../end-status.ts';
import type { AttemptFiles, AttemptRecord, TaskStatus } from './attempt-files.ts';
import { killControlGroup, oomKills, processesIn, removeControlGroup } from './control-group.ts';
import { faultPoint } from './fault-points.ts';
import type { AttemptExit, AttemptPlan, TaskPlan } from './launcher-port.ts';
import { memoryBytesOf } from './memory-use.ts';
import { commandLine, isAlive, type ProcessId, readProcessTable, signalPid, signalProcess } from './process-table.ts';
import { isPortFree, saysPortInUse } from './rendezvous-port.ts';

/** What the other ranks get between SIGTERM and SIGKILL when one has died: they can only wait for it. */
const CRASH_GRACE_MS = 2000;
/** What a supervisor gets to start its task once the gang may run. */
const BEGIN_WAIT_MS = 1000;
/** What a supervisor gets to write its status once its task is dead. */
const SUPERVISOR_WAIT_MS = 5000;
const STDERR_TAIL_BYTES = 64 * 1024;

interface Task {
  plan: TaskPlan;
  supervisor: ProcessId | null;
  /** `look`: at the how many-th refresh it was seen; file times alone are too coarse to tell who was first. */
  end: (TaskStatus & { look: number; isSupervisorLost: boolean }) | null;
}

/** The processes of one attempt, from the moment they may run until nothing is left of them. */
export class Gang {
  readonly plan: AttemptPlan;
  readonly record: AttemptRecord;
  readonly files: AttemptFiles;
  /** Resolves when nothing of the attempt runs any more. */
  readonly ended: Promise<AttemptExit>;
  readonly #keyPrefix: string;
  readonly #tasks: readonly Task[];
  readonly #resolveEnded: (exit: AttemptExit) => void;
  #isFinishing = false;
  #looks = 0;
  /** Null until it is being ended; then when SIGKILL is due. */
  #killAtMs: number | null = null;

  constructor(
    plan: AttemptPlan,
    record: AttemptRecord,
    files: AttemptFiles,
    keyPrefix: string,
    supervisors: readonly (ProcessId | null)[],
  ) {
    this.plan = plan;
    this.record = record;
    this.files = files;
    this.#keyPrefix = keyPrefix;
    this.#tasks = plan.tasks.map((task, index) => ({ plan: task, supervisor: supervisors[index] ?? null, end: null }));
    const { promise, resolve } = Promise.withResolvers<AttemptExit>();
    this.ended = promise;
    this.#resolveEnded = resolve;
  }

  /** Looks which tasks have ended. Called when a supervisor has exited, and from time to time for those that are not our children. */
  refresh(): void {
    let hasNews = false;
    this.#looks += 1;
    for (const task of this.#tasks) {
      if (task.end !== null || (task.supervisor !== null && isAlive(task.supervisor))) continue;
      const status = this.files.status(task.plan.rank, true);
      task.end =
        status === null
          ? { status: SIGKILL_STATUS, endedMs: Date.now(), look: this.#looks, isSupervisorLost: true }
          : { ...status, look: this.#looks, isSupervisorLost: false };
      hasNews = true;
    }
    if (!hasNews) return;
    faultPoint('launcher:task-exited');
    if (this.#tasks.every((task) => task.end !== null)) void this.#finish();
    else if (this.#tasks.some((task) => task.end !== null && task.end.status !== 0)) void this.end(CRASH_GRACE_MS);
  }

  signalMains(signal: NodeJS.Signals): void {
    for (const pid of this.#mainPids()) signalPid(pid, signal);
  }

  /** SIGTERM to every process, SIGKILL after `graceMs` to what is left. Again with a shorter grace: the shorter one counts. */
  async end(graceMs: number): Promise<void> {
    const killAtMs = Date.now() + graceMs;
    const isBeingEnded = this.#killAtMs !== null;
    this.#killAtMs = Math.min(this.#killAtMs ?? Infinity, killAtMs);
    if (isBeingEnded) return;
    faultPoint('kill:requested');
    if (graceMs > 0) {
      await this.#haveBegun();
      const pids = new Set([...(await this.#taskPids()), ...this.#mainPids()]);
      // Forked and not yet the task: what the shell then forgets of its own handlers includes a signal that came meanwhile.
      const early = [...pids].filter((pid) => isStillSupervisor(pid));
      for (const pid of pids) terminate(pid);
      for (const pid of early) void this.#terminateOnceBegun(pid);
      faultPoint('kill:terminated');
      await this.#waitUntil(() => Date.now() >= (this.#killAtMs ?? 0));
    }
    await this.#destroy();
    faultPoint('kill:destroyed');
    this.refresh();
  }

  /** SIGKILL to everything on the node, supervisors first: as in a power cut, nobody is left to write a status. */
  async killNode(nodeName: string): Promise<void> {
    const tasks = this.#tasks.filter(({ plan }) => plan.nodeName === nodeName);
    if (tasks.length === 0) return;
    for (const { plan, supervisor } of tasks) {
      if (supervisor !== null) signalProcess(supervisor, 'SIGKILL');
      const group = this.record.processGroups[plan.nodeRank];
      if (group !== undefined) killControlGroup(group);
    }
    const table = await readProcessTable();
    for (const pid of tasks.flatMap((task) => table.pidsOf(this.#markOf(task)))) signalPid(pid, 'SIGKILL');
    this.refresh();
  }

  /** For machines whose kernel does not watch memory for us: ends the gang if one of its nodes uses more than its share. */
  async checkMemory(): Promise<void> {
    const { memoryBytesPerNode } = this.plan;
    if (this.record.memoryGroups.length > 0 || memoryBytesPerNode <= 0 || this.#killAtMs !== null) return;
    const table = this.record.processGroups.length > 0 ? null : await readProcessTable();
    for (const nodeRank of new Set(this.#tasks.map(({ plan }) => plan.nodeRank))) {
      const tasks = this.#tasks.filter(({ plan }) => plan.nodeRank === nodeRank);
      const group = this.record.processGroups[nodeRank];
      const pids =
        group === undefined ? tasks.flatMap((task) => table?.pidsOf(this.#markOf(task)) ?? []) : processesIn(group);
      if (memoryBytesOf(pids, memoryBytesPerNode) <= memoryBytesPerNode) continue;
      this.files.noteOutOfMemory(tasks[0]?.plan.nodeName ?? '');
      await this.end(0);
      return;
    }
  }

  #markOf({ plan, supervisor }: Task): { keyPrefix: string; supervisors: ProcessId[] } {
    return { keyPrefix: `${this.#keyPrefix}${plan.rank}.`, supervisors: supervisor === null ? [] : [supervisor] };
  }

  /** All processes but the supervisors, which are to live until they have written the status. */
  async #taskPids(): Promise<number[]> {
    const groups = this.record.processGroups;
    if (groups.length > 0 && !this.#tasks.some((task) => task.end?.isSupervisorLost))
      return groups.flatMap((group) => processesIn(group));
    const supervisors = this.#tasks.flatMap(({ supervisor }) => supervisor ?? []);
    const table = await readProcessTable();
    const pids = table.pidsOf({ keyPrefix: this.#keyPrefix, supervisors });
    const own = new Set(supervisors.map(({ pid }) => pid));
    return [...new Set([...pids, ...groups.flatMap((group) => processesIn(group))])].filter((pid) => !own.has(pid));
  }

  #mainPids(): number[] {
    return this.#tasks.flatMap(({ plan, end }) => {
      const main = end === null ? this.files.main(plan.rank) : null;
      return main !== null && isAlive(main) ? [main.pid] : [];
    });
  }

  /** A gang ended right after its start: a task that its supervisor is about to begin is to get its SIGTERM too. */
  async #haveBegun(): Promise<void> {
    const isAbout = ({ plan, supervisor }: Task) =>
      supervisor !== null && isAlive(supervisor) && this.files.main(plan.rank) === null;
    for (let waitedMs = 0; waitedMs < BEGIN_WAIT_MS && this.#tasks.some(isAbout); waitedMs += 5) await pause(5);
  }

  async #terminateOnceBegun(pid: number): Promise<void> {
    for (let waitedMs = 0; waitedMs < BEGIN_WAIT_MS && isStillSupervisor(pid); waitedMs += 5) await pause(5);
    if ((await this.#taskPids()).includes(pid)) terminate(pid);
  }

  /** Polls, ever more slowly, until nothing is left or `isDue`. */
  async #waitUntil(isDue: () => boolean): Promise<void> {
    for (let delayMs = 5; !isDue(); delayMs = Math.min(delayMs * 1.5, 200)) {
      if (!this.#areSupervisorsAlive() && (await this.#taskPids()).length === 0) return;
      await pause(delayMs);
    }
  }

  #areSupervisorsAlive(): boolean {
    return this.#tasks.some(({ supervisor }) => supervisor !== null && isAlive(supervisor));
  }

  /** Returns when everything is dead: what forks while we look is caught by looking again. */
  async #destroy(): Promise<void> {
    const startedMs = Date.now();
    for (let delayMs = 1; ; delayMs = Math.min(delayMs * 1.5, 50)) {
      const pids = await this.#taskPids();
      for (const group of this.record.processGroups) killControlGroup(group);
      for (const pid of pids) signalPid(pid, 'SIGKILL');
      if (pids.length === 0 && !this.#areSupervisorsAlive()) return;
      if (Date.now() - startedMs > SUPERVISOR_WAIT_MS)
        for (const { supervisor } of this.#tasks) if (supervisor !== null) signalProcess(supervisor, 'SIGKILL');
      await pause(delayMs);
    }
  }

  /** All tasks have ended; what they left behind ends too, at once unless the gang was given time. */
  async #finish(): Promise<void> {
    if (this.#isFinishing) return;
    this.#isFinishing = true;
    if ((await this.#taskPids()).length > 0) {
      await this.#waitUntil(() => Date.now() >= (this.#killAtMs ?? 0));
      await this.#destroy();
    }
    const exit = await this.#exit().catch((error: unknown): AttemptExit => {
      // Whatever became of its files, the attempt has ended, and the daemon has other jobs.
      const { jobId, attempt } = this.plan;
      const message = `its files could not be read: ${errorMessage(error)}`;
      return { jobId, attempt, state: 'FAILED', exitCode: 1, message, isPortConflict: false };
    });
    await this.#removeGroups();
    faultPoint('launcher:before-report');
    this.#resolveEnded(exit);
  }

  async #removeGroups(): Promise<void> {
    const groups = [...this.record.processGroups, ...this.record.memoryGroups];
    // The kernel lets go of a group a moment after the last process in it.
    for (let tries = 0; tries < 20; tries += 1) {
      if (groups.map((group) => removeControlGroup(group)).every(Boolean)) return;
      await pause(10);
    }
  }

  async #exit(): Promise<AttemptExit> {
    this.#noteOomKills();
    const { jobId, attempt } = this.plan;
    const failed = this.#tasks.filter(({ end }) => end !== null && end.status !== 0).sort(byEnd)[0];
    const exitCode = failed?.end?.status ?? 0;
    const starved = this.files.nodeOutOfMemory();
    if (starved !== null) {
      const limit = formatMemory(this.plan.memoryBytesPerNode);
      const message = `out of memory on ${starved}: the limit is ${limit} a node (--mem)`;
      return {
        jobId,
        attempt,
        state: 'OUT_OF_MEMORY',
        exitCode: exitCode || SIGKILL_STATUS,
        message,
        isPortConflict: false,
      };
    }
    if (failed === undefined)
      return { jobId, attempt, state: 'COMPLETED', exitCode: 0, message: null, isPortConflict: false };
    const isPortConflict = await this.#isPortConflict();
    const message = isPortConflict ? `port ${this.record.masterPort} was taken` : describe(failed);
    return { jobId, attempt, state: 'FAILED', exitCode, message, isPortConflict };
  }

  /** Kept in a file, since the kernel's count goes with the group. */
  #noteOomKills(): void {
    const nodeRank = this.record.memoryGroups.findIndex((group) => oomKills(group) > 0);
    const task = this.#tasks.find(({ plan }) => plan.nodeRank === nodeRank);
    if (task !== undefined) this.files.noteOutOfMemory(task.plan.nodeName);
  }

  /** Rank 0 says it could not listen, and now that none of ours is left somebody still does. */
  async #isPortConflict(): Promise<boolean> {
    const first = this.#tasks.find(({ plan }) => plan.rank === 0);
    if (first === undefined || first.end?.status === 0) return false;
    const { masterPort } = this.record;
    return saysPortInUse(this.files.stderrTail(0, STDERR_TAIL_BYTES), masterPort) && !(await isPortFree(masterPort));
  }
}

/** Who ended first; of those seen at once, by the time of their status files, then by rank. */
function byEnd(a: Task, b: Task): number {
  if (a.end === null || b.end === null) return 0;
  return a.end.look - b.end.look || a.end.endedMs - b.end.endedMs || a.plan.rank - b.plan.rank;
}

function describe({ plan, end }: Task): string {
  const { rank, nodeName } = plan;
  if (end?.isSupervisorLost === true) return `the supervisor of rank ${rank} on ${nodeName} was killed`;
  return endOfRank(rank, nodeName, end?.status ?? 0);
}

/** A fork of the supervisor that has not become the task yet. */
function isStillSupervisor(pid: number): boolean {
  return commandLine(pid)[1]?.endsWith('/supervisor.sh') === true;
}

function terminate(pid: number): void {
  signalPid(pid, 'SIGTERM');
  // One that is stopped could not act on it.
  signalPid(pid, 'SIGCONT');
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
