import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from '../../lib/error-code.ts';
import { errorLine, errorMessage } from '../../lib/error-message.ts';
import { AttemptFiles, type AttemptRecord } from './attempt-files.ts';
import {
  type ControlGroupRoots,
  findControlGroups,
  limitMemory,
  makeControlGroup,
  NO_CONTROL_GROUPS,
  removeControlGroup,
} from './control-group.ts';
import { faultPoint } from './fault-points.ts';
import { Gang } from './gang.ts';
import type { AttemptExit, AttemptPlan, Launcher, LaunchResult, Recovered } from './launcher-port.ts';
import { LogCap } from './log-cap.ts';
import { isAlive, readBootId, readProcessTable, signalPid } from './process-table.ts';
import { argvOf, keyPrefix, type MachineView, rankEnvironment } from './rank-environment.ts';
import { candidatePorts, readEphemeralRange, RendezvousPorts } from './rendezvous-port.ts';
import { installSupervisor, isPassing, startSupervisor, type Supervisor } from './supervisor.ts';

export interface LauncherOptions {
  /** `ORRERY_HOME`: the launcher keeps `launcher-id` there, which marks its processes, and `supervisor.sh`, which runs them. */
  home: string;
  /** As `gpusOfNode` of `virtual-nodes.ts` gives it; null on a machine without GPUs. */
  gpusOfNode: ReadonlyMap<string, readonly number[]> | null;
  /** Told in one line of what does not stop the work, such as a file system that cannot give log space back. */
  warn?: (message: string) => void;
  /** `environment`: find processes and watch memory as on a machine where no control group can be made. */
  processTracking?: 'control-groups' | 'environment';
}

/** How often tasks that an earlier daemon started are looked at; those of our own report by themselves. */
const RECOVERED_POLL_MS = 50;
/** How often log sizes, and memory where the kernel does not watch it, are looked at. */
const USAGE_POLL_MS = 1000;

/** Starts, watches and ends the real processes of attempts on this machine (Linux). */
export function createLauncher(options: LauncherOptions): Launcher {
  return new LocalLauncher(options);
}

class LocalLauncher implements Launcher {
  onExit: (exit: AttemptExit) => void = () => undefined;
  readonly #machine: MachineView;
  readonly #supervisorScript: string;
  readonly #roots: ControlGroupRoots;
  readonly #bootId = readBootId();
  readonly #ports: RendezvousPorts;
  readonly #gangs = new Map<string, Gang>();
  /** Those whose supervisors are not our children. */
  readonly #recovered = new Set<Gang>();
  readonly #logCap: LogCap;
  readonly #timers: NodeJS.Timeout[];
  #isClosed = false;

  constructor(options: LauncherOptions) {
    const homeId = readHomeId(options.home);
    this.#machine = { homeId, gpusOfNode: options.gpusOfNode };
    this.#supervisorScript = installSupervisor(options.home);
    this.#roots = options.processTracking === 'environment' ? NO_CONTROL_GROUPS : findControlGroups();
    this.#ports = new RendezvousPorts(candidatePorts(readEphemeralRange()), Number.parseInt(homeId, 16));
    this.#logCap = new LogCap(options.warn ?? (() => undefined));
    this.#timers = [
      setInterval(() => {
        for (const gang of this.#recovered) gang.refresh();
      }, RECOVERED_POLL_MS),
      setInterval(() => {
        for (const gang of this.#gangs.values()) {
          void gang.checkMemory();
          this.#logCap.check(gang.files, gang.plan);
        }
      }, USAGE_POLL_MS),
    ];
  }

  async start(plan: AttemptPlan): Promise<LaunchResult> {
    let port: number | undefined;
    const groups: string[] = [];
    try {
      faultPoint('launcher:before-folder');
      port = await this.#ports.reserve();
      const files = new AttemptFiles(plan.attemptFolder);
      await files.makeFolders(plan);
      const record = this.#newRecord(plan, port);
      await files.writeRecord(record);
      if ('script' in plan.program) await files.writeScript(plan.program.script);
      faultPoint('launcher:folder-made');
      groups.push(...record.processGroups, ...record.memoryGroups);
      this.#makeGroups(record, plan);
      faultPoint('launcher:before-spawn');
      const supervisors = await this.#startSupervisors(plan, record, files);
      faultPoint('launcher:claimed');
      await this.#go(files, supervisors);
      faultPoint('launcher:go-written');
      for (const supervisor of supervisors) supervisor.release();
      const ids = supervisors.map(({ id }) => id);
      const gang = new Gang(plan, record, files, keyPrefix(this.#machine.homeId, plan), ids);
      for (const { gone } of supervisors) void gone.then(() => this.#isClosed || gang.refresh());
      this.#watch(gang);
      faultPoint('launcher:started');
      return { kind: 'started' };
    } catch (error) {
      for (const group of groups) removeControlGroup(group);
      if (port !== undefined) this.#ports.release(port);
      if (error instanceof StartError)
        return { kind: 'failed', isRetryable: error.isRetryable, message: error.message };
      const message = errorLine(error);
      return { kind: 'failed', isRetryable: isPassing(error), message };
    }
  }

  signal(jobId: number, attempt: number, signal: NodeJS.Signals): void {
    this.#find(jobId, attempt)?.signalMains(signal);
  }

  async kill(jobId: number, attempt: number, graceMs: number): Promise<void> {
    const gang = this.#find(jobId, attempt);
    if (gang === undefined) return;
    void gang.end(graceMs);
    await gang.ended;
  }

  async killNode(nodeName: string): Promise<void> {
    await Promise.all([...this.#gangs.values()].map((gang) => gang.killNode(nodeName)));
  }

  async recover(plan: AttemptPlan): Promise<Recovered> {
    const files = new AttemptFiles(plan.attemptFolder);
    const record = files.readRecord();
    if (record === null || !files.hasGo()) {
      await this.#fence(plan, files, record);
      return { kind: 'unclaimed' };
    }
    if (record.bootId !== this.#bootId && plan.tasks.some(({ rank }) => files.status(rank, true) === null))
      return { kind: 'ended', exit: nodeLost(plan) };
    const supervisors = plan.tasks.map(({ rank }) => (record.bootId === this.#bootId ? files.supervisor(rank) : null));
    const gang = new Gang(plan, record, files, keyPrefix(this.#machine.homeId, plan), supervisors);
    if (!supervisors.some((id) => id !== null && isAlive(id))) {
      gang.refresh();
      return { kind: 'ended', exit: await gang.ended };
    }
    this.#ports.keep(record.masterPort);
    this.#recovered.add(gang);
    this.#watch(gang);
    faultPoint('recover:watching');
    return { kind: 'running' };
  }

  close(): Promise<void> {
    this.#isClosed = true;
    for (const timer of this.#timers) clearInterval(timer);
    this.#recovered.clear();
    this.#gangs.clear();
    return Promise.resolve();
  }

  #find(jobId: number, attempt: number): Gang | undefined {
    return this.#gangs.get(`${jobId}.${attempt}`);
  }

  #watch(gang: Gang): void {
    const { jobId, attempt } = gang.plan;
    this.#gangs.set(`${jobId}.${attempt}`, gang);
    void gang.ended.then((exit) => {
      this.#gangs.delete(`${jobId}.${attempt}`);
      this.#recovered.delete(gang);
      this.#ports.release(gang.record.masterPort);
      if (this.#isClosed) return;
      this.#logCap.check(gang.files, gang.plan);
      this.onExit(exit);
    });
  }

  #newRecord(plan: AttemptPlan, masterPort: number): AttemptRecord {
    const nodeRanks = [...new Set(plan.tasks.map(({ nodeRank }) => nodeRank))];
    const groupsIn = (root: string | null) =>
      root === null
        ? []
        : nodeRanks.map((nodeRank) =>
            join(root, `orrery-${this.#machine.homeId}.${plan.jobId}.${plan.attempt}.${nodeRank}`),
          );
    return {
      bootId: this.#bootId,
      masterPort,
      processGroups: groupsIn(this.#roots.processes),
      memoryGroups: plan.memoryBytesPerNode > 0 ? groupsIn(this.#roots.memory) : [],
    };
  }

  #makeGroups(record: AttemptRecord, plan: AttemptPlan): void {
    for (const group of record.processGroups) makeControlGroup(group);
    for (const group of record.memoryGroups) {
      makeControlGroup(group);
      limitMemory(group, plan.memoryBytesPerNode);
    }
  }

  /** All of them, each with its task claimed, or none: throws a StartError after ending those that had started. */
  async #startSupervisors(plan: AttemptPlan, record: AttemptRecord, files: AttemptFiles): Promise<Supervisor[]> {
    const argv = argvOf(plan, files.script);
    const results = await Promise.all(
      plan.tasks.map(async (task) => {
        const starting = startSupervisor({
          script: this.#supervisorScript,
          files,
          rank: task.rank,
          workFolder: plan.workFolder,
          environment: rankEnvironment(plan, task, record.masterPort, this.#machine),
          processGroup: record.processGroups[task.nodeRank] ?? '',
          memoryGroup: record.memoryGroups[task.nodeRank] ?? '',
          argv,
        });
        return starting.catch((error: unknown) => ({
          supervisor: null,
          message: `rank ${task.rank} could not be started: ${errorMessage(error)}`,
          isRetryable: isPassing(error),
        }));
      }),
    );
    const supervisors = results.flatMap(({ supervisor }) => supervisor ?? []);
    const failure = results.find((result) => result.supervisor === null);
    if (failure === undefined) return supervisors;
    await dismiss(supervisors);
    throw new StartError(failure.message, failure.isRetryable);
  }

  /** The gang's one moment of truth: before it no task runs, after it every one does. */
  async #go(files: AttemptFiles, supervisors: readonly Supervisor[]): Promise<void> {
    try {
      await files.writeGo();
    } catch (error) {
      await files.removeGo();
      await dismiss(supervisors);
      throw error;
    }
  }

  /** Takes the claims nobody took, so that no task of the attempt can ever begin, and sees off the supervisors that did. */
  async #fence(plan: AttemptPlan, files: AttemptFiles, record: AttemptRecord | null): Promise<void> {
    faultPoint('fence:before-claims');
    await files.makeFolders(plan);
    for (const { rank } of plan.tasks) await files.fence(rank);
    faultPoint('fence:claimed');
    const mark = { keyPrefix: keyPrefix(this.#machine.homeId, plan), supervisors: [] };
    for (;;) {
      const pids = (await readProcessTable()).pidsOf(mark);
      if (pids.length === 0) break;
      for (const pid of pids) signalPid(pid, 'SIGKILL');
    }
    for (const group of [...(record?.processGroups ?? []), ...(record?.memoryGroups ?? [])]) removeControlGroup(group);
  }
}

/** Without a `go` file they leave again. */
async function dismiss(supervisors: readonly Supervisor[]): Promise<void> {
  for (const supervisor of supervisors) supervisor.release();
  await Promise.all(supervisors.map(({ gone }) => gone));
}

class StartError extends Error {
  readonly isRetryable: boolean;

  constructor(message: string, isRetryable: boolean) {
    super(message);
    this.isRetryable = isRetryable;
  }
}

/** The machine went down under it. */
function nodeLost({ jobId, attempt }: AttemptPlan): AttemptExit {
  const message = 'the machine was started anew while the job ran';
  return { jobId, attempt, state: 'FAILED', exitCode: 1, message, isPortConflict: false, isNodeLost: true };
}

/** Eight hexadecimal digits that tell this home's processes from those of others; made at the first start. */
function readHomeId(home: string): string {
  const file = join(home, 'launcher-id');
  try {
    mkdirSync(home, { recursive: true, mode: 0o700 });
    writeFileSync(file, randomBytes(4).toString('hex'), { flag: 'wx' });
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  }
  return readFileSync(file, 'utf8').trim();
}
