import type { NodeSpec, Resources } from '../cluster/node.ts';
import {
  completePolicy,
  defaultPartition,
  type PartitionPolicy,
  type Policy,
  type SchedulerOptions,
} from './policy.ts';
import {
  endOf,
  isGoneBy,
  isMetAt,
  type Job,
  needOf,
  order,
  suits,
  type Verdict,
  verdictOf,
  type Wait,
} from './reference-rules.ts';
import type { Decision, EndCause, EndState, JobRequest, Placement, SchedulerEvent } from './types.ts';

/** A job that waits, as what it asks for in one of its partitions. */
type Entry = { job: Job; request: JobRequest };
type Node = { spec: NodeSpec; isDown: boolean; isDrained: boolean; isRemoved: boolean };

const NOTHING: Resources = { cpus: 0, memoryBytes: 0, gpus: 0 };

/**
 * The same rules, said as plainly as they can be: nothing is indexed, everything is worked out anew in every cycle. What the tests hold the
 * scheduler against, and what the benchmark measures it by. It takes facts only: no echoes, no queries.
 */
export class ReferenceScheduler {
  readonly #policy: Policy;
  #nodes: Node[] = [];
  #jobs = new Map<number, Job>();
  /** `fromMs`: what `after` with a delay counts from. */
  #ended = new Map<number, { state: EndState; attempt: number; fromMs: number }>();
  #settling: Job[] = [];
  #doomed: Job[] = [];

  constructor(options: SchedulerOptions) {
    this.#policy = completePolicy(options);
  }

  apply(event: SchedulerEvent): void {
    this.#dropSatisfied(event.atMs);
    const job = 'jobId' in event ? this.#jobs.get(event.jobId) : undefined;
    const node =
      'nodeName' in event
        ? this.#nodes.find(({ spec, isRemoved }) => !isRemoved && spec.name === event.nodeName)
        : undefined;
    if (event.kind === 'NodeAdded')
      this.#nodes.push({ spec: event.node, isDown: false, isDrained: false, isRemoved: false });
    else if (event.kind === 'NodeRemoved' && node) node.isRemoved = true;
    else if (event.kind === 'NodeDrained' && node) node.isDrained = true;
    else if (event.kind === 'NodeResumed' && node) node.isDown = node.isDrained = false;
    else if (event.kind === 'NodeFailed' && node && !node.isDown) {
      node.isDown = true;
      const onIt = (other: Job) => other.placement?.some(({ nodeName }) => nodeName === node.spec.name);
      for (const other of this.#started.filter(onIt)) this.#doom(other, 'NODE_FAIL');
    } else if (event.kind === 'JobSubmitted') this.#submit(event.job, event.attemptsBefore ?? 0, event.atMs);
    else if (job) this.#applyToJob(job, event);
  }

  /** In the order in which their attempts were decided. */
  #started: Job[] = [];

  #submit(request: JobRequest, attemptsBefore: number, atMs: number): void {
    const attempt = Math.max(attemptsBefore, this.#ended.get(request.jobId)?.attempt ?? 0);
    this.#ended.delete(request.jobId);
    this.#jobs.set(request.jobId, {
      request,
      attempt,
      requeues: 0,
      isHeld: request.isHeld,
      waits: request.dependencies,
      placement: null,
      startMs: 0,
      endMs: Infinity,
      dueMs: Infinity,
      cause: null,
      isEnding: false,
      hasStarted: false,
      several: null,
      verdict: null,
    });
    this.#dropSatisfied(atMs);
  }

  #applyToJob(job: Job, event: SchedulerEvent): void {
    const isOnNodes = job.placement !== null;
    if (event.kind === 'JobHeld') job.isHeld = true;
    else if (event.kind === 'JobReleased') job.isHeld = false;
    else if (event.kind === 'JobCancelRequested' && isOnNodes) this.#doom(job, 'CANCELLED');
    else if (event.kind === 'JobCancelRequested' && job.verdict?.kind !== 'end') {
      Object.assign(job, { cause: 'CANCELLED', hasStarted: false });
      this.#settle(job, { kind: 'end', state: 'CANCELLED', exitCode: 0 });
    } else if (event.kind === 'JobRequeueRequested' && isOnNodes) this.#doom(job, 'REQUEUE');
    else if (event.kind === 'JobRequeueRequested' && job.verdict?.kind === 'end' && job.cause !== 'CANCELLED')
      job.verdict = { kind: 'requeue', requeues: job.requeues, isHeld: false };
    else if (event.kind === 'AttemptHung') this.#doom(job, 'HANG');
    else if (event.kind === 'AttemptStarted') {
      job.endMs = event.atMs + (job.request.timeLimitMs ?? Infinity);
      job.dueMs = job.endMs + this.#overMsOf(job.request);
    } else if (event.kind === 'LaunchFailed' && job.cause === null)
      this.#leave(job, { kind: 'requeue', requeues: job.requeues, isHeld: !event.isRetryable });
    else if (event.kind === 'LaunchFailed') this.#leave(job, verdictOf(job, job.cause, 'FAILED', 1));
    else if (event.kind === 'AttemptEnded') {
      const isDone = event.state === 'COMPLETED' && !job.isEnding && job.cause !== 'REQUEUE';
      const cause = job.cause ?? (event.state === 'NODE_FAIL' ? 'NODE_FAIL' : null);
      this.#leave(job, verdictOf(job, isDone ? null : cause, event.state, event.exitCode));
    }
  }

  decide(nowMs: number): Decision[] {
    const decisions: Decision[] = [];
    this.#dropSatisfied(nowMs);
    for (const job of this.#settling.splice(0)) decisions.push(this.#tell(job, nowMs));
    const due = this.#started.filter((job) => !job.isEnding && job.dueMs <= nowMs);
    for (const job of due.sort((a, b) => a.dueMs - b.dueMs || a.request.jobId - b.request.jobId))
      this.#doom(job, 'TIMEOUT');
    for (const job of this.#doomed.splice(0)) {
      job.isEnding = true;
      decisions.push({
        kind: 'EndAttempt',
        jobId: job.request.jobId,
        attempt: job.attempt,
        cause: job.cause ?? 'TIMEOUT',
      });
    }
    const start = ({ job, request }: Entry, placement: Placement) => {
      const several = job.request === request ? null : job.request;
      Object.assign(job, { placement, attempt: job.attempt + 1, startMs: nowMs, hasStarted: true, request, several });
      this.#started.push(job);
      const decision = { kind: 'StartAttempt', jobId: request.jobId, attempt: job.attempt, placement } as const;
      decisions.push(several === null ? decision : { ...decision, partition: request.partition ?? '' });
    };
    do this.#startInTurn(start);
    while (this.#policy.schedulerType === 'backfill' && this.#backfill(nowMs, start));
    return decisions;
  }

  #startInTurn(start: (entry: Entry, placement: Placement) => void): void {
    for (const entry of this.#waiting()) {
      const { job, request } = entry;
      if (job.placement !== null || this.#isThrottled(job)) continue;
      const placement = this.#place(request, this.#capable(request));
      if (placement === null) return;
      start(entry, placement);
    }
  }

  /** Those that the nodes in service could hold if they were empty, in each of their partitions that lets them, in order. */
  #waiting(): Entry[] {
    const tierOf = (request: JobRequest) => this.#partitionOf(request)?.priorityTier ?? 1;
    return [...this.#jobs.values()]
      .filter((job) => !job.placement && !job.isHeld && job.waits.length === 0 && !this.#isThrottled(job))
      .flatMap((job): Entry[] => {
        const names = [...new Set(job.request.partition?.split(','))];
        if (names.length < 2) return [{ job, request: job.request }];
        return names.map((partition) => ({ job, request: { ...job.request, partition } }));
      })
      .filter(({ request }) => this.#isAllowed(request))
      .filter(({ request }) => this.#capable(request).length >= request.nodes)
      .sort((a, b) => tierOf(b.request) - tierOf(a.request) || order(a.request, b.request));
  }

  /** As many tasks of its array run as may at once. */
  #isThrottled({ request: { array } }: Job): boolean {
    if (array === undefined || array.runningMax === null) return false;
    return this.#started.filter(({ request }) => request.array?.id === array.id).length >= array.runningMax;
  }

  #partitionOf({ partition }: JobRequest): PartitionPolicy | undefined {
    const { partitions } = this.#policy;
    return partition === undefined ? defaultPartition(partitions) : partitions.find(({ name }) => name === partition);
  }

  /** By the limits of its partition on nodes, and by whom it takes. */
  #isAllowed({ nodes, account = 'default', qos = 'normal', ...request }: JobRequest): boolean {
    const partition: Partial<PartitionPolicy> = this.#partitionOf({ nodes, ...request }) ?? {};
    const { minNodes = 0, maxNodes, ...lists } = partition;
    const isIn = (name: string, taken?: readonly string[], refused: readonly string[] = []) =>
      taken === undefined ? !refused.includes(name) : taken.includes(name);
    const isTaken = isIn(account, lists.allowAccounts, lists.denyAccounts) && isIn(qos, lists.allowQos, lists.denyQos);
    return isTaken && nodes >= minNodes && nodes <= (maxNodes ?? Infinity);
  }

  #overMsOf(request: JobRequest): number {
    const own = this.#partitionOf(request)?.overTimeSeconds;
    return ((own === undefined ? this.#policy.overTimeSeconds : own) ?? Infinity) * 1000;
  }

  #capable(request: JobRequest): NodeSpec[] {
    const members = this.#partitionOf(request)?.nodes ?? null;
    return this.#nodes
      .filter((node) => !node.isDown && !node.isDrained && !node.isRemoved)
      .filter(({ spec }) => members === null || members.includes(spec.name))
      .map(({ spec }) => spec)
      .filter((spec) => suits(spec, spec.resources, request) && needOf(spec, request).cpus <= this.#capOf(request));
  }

  /** How many CPUs of a node the jobs of its partition may have together. */
  #capOf(request: JobRequest): number {
    return this.#partitionOf(request)?.maxCpusPerNode ?? Infinity;
  }

  /** What is left of that on the node, of what runs past that instant. */
  #leftAt(spec: NodeSpec, request: JobRequest, isThere: (job: Job) => boolean): number {
    const partition = this.#partitionOf(request);
    const others = this.#started.filter((job) => this.#partitionOf(job.request) === partition && isThere(job));
    const held = others.flatMap(({ placement }) => placement ?? []).filter(({ nodeName }) => nodeName === spec.name);
    return this.#capOf(request) - held.reduce((sum, { resources }) => sum + resources.cpus, 0);
  }

  /** The first job that waits is to start when so many of its nodes are free; another that ends later may not make them too few. */
  #backfill(nowMs: number, start: (entry: Entry, placement: Placement) => void): boolean {
    const [head, ...others] = this.#waiting().slice(0, this.#policy.bfMaxJobTest);
    if (head === undefined) return false;
    const specs = this.#capable(head.request);
    const hasRoom = (spec: NodeSpec, atMs: number, besides: Resources, isOfPartition = false) => {
      const isThere = (other: Job) => !isGoneBy(other, atMs, nowMs);
      const leftNow = this.#leftAt(spec, head.request, isThere) - (isOfPartition ? besides.cpus : 0);
      if (leftNow < needOf(spec, head.request).cpus) return false;
      const free = this.#freeAt(spec, atMs, nowMs);
      const left = {
        cpus: free.cpus - besides.cpus,
        memoryBytes: free.memoryBytes - besides.memoryBytes,
        gpus: free.gpus - besides.gpus,
      };
      return suits(spec, left, { ...head.request, perNode: needOf(spec, head.request) });
    };
    const countAt = (atMs: number) => specs.filter((spec) => hasRoom(spec, atMs, NOTHING)).length;
    const ends = this.#started.map((other) => endOf(other, nowMs)).filter((endMs) => endMs < Infinity);
    const startMs = ends.sort((a, b) => a - b).find((endMs) => countAt(endMs) >= head.request.nodes) ?? Infinity;
    let extra = startMs === Infinity ? 0 : countAt(startMs) - head.request.nodes;
    let hasStarted = false;
    for (const entry of others) {
      const { job, request } = entry;
      // The first may have started in another of its partitions: then there is another first.
      if (head.job.placement !== null) break;
      if (job.placement !== null || this.#isThrottled(job)) continue;
      const endMs = nowMs + (request.timeLimitMs ?? Infinity);
      const isShort = endMs <= startMs && endMs < Infinity;
      const isOfPartition = this.#partitionOf(request) === this.#partitionOf(head.request);
      const isHarmful = (spec: NodeSpec) =>
        specs.includes(spec) &&
        hasRoom(spec, startMs, NOTHING) &&
        !hasRoom(spec, startMs, needOf(spec, request), isOfPartition);
      let open = this.#fitting(request, this.#capable(request)).map(({ spec }) => spec);
      if (!isShort && request.nodes > extra) {
        const spared = open.filter(isHarmful).slice(extra);
        open = open.filter((spec) => !spared.includes(spec));
      }
      const placement = this.#place(request, open);
      if (placement === null) continue;
      if (!isShort)
        extra -= placement.filter(({ nodeName }) =>
          open.some((spec) => spec.name === nodeName && isHarmful(spec)),
        ).length;
      start(entry, placement);
      hasStarted = true;
    }
    return hasStarted;
  }

  /** What is free of the node at an instant to come, by the time limits. */
  #freeAt(spec: NodeSpec, atMs: number, nowMs: number): Resources {
    const free = { ...spec.resources };
    for (const job of this.#started) {
      if (isGoneBy(job, atMs, nowMs)) continue;
      for (const { nodeName, resources } of job.placement ?? []) {
        if (nodeName !== spec.name) continue;
        free.cpus -= resources.cpus;
        free.memoryBytes -= resources.memoryBytes;
        free.gpus -= resources.gpus;
      }
    }
    return free;
  }

  #tell(job: Job, nowMs: number): Decision {
    const { jobId } = job.request;
    if (job.verdict?.kind === 'end') {
      this.#jobs.delete(jobId);
      const fromMs = job.hasStarted ? job.startMs : nowMs;
      this.#ended.set(jobId, { state: job.verdict.state, attempt: job.attempt, fromMs });
      this.#dropSatisfied(nowMs);
      return { kind: 'EndJob', jobId, state: job.verdict.state, exitCode: job.verdict.exitCode };
    }
    job.requeues = job.verdict?.requeues ?? 0;
    job.isHeld ||= job.verdict?.isHeld ?? false;
    Object.assign(job, { verdict: null, cause: null, isEnding: false, hasStarted: false });
    const decision = { kind: 'Requeue', jobId, requeues: job.requeues, isHeld: job.isHeld } as const;
    const partition = (job.several ?? job.request).partition ?? '';
    Object.assign(job, { request: job.several ?? job.request, several: null });
    return partition.includes(',') ? { ...decision, partition } : decision;
  }

  /** The nodes with room now, those first that are preferred. */
  #fitting(request: JobRequest, specs: NodeSpec[]) {
    const holdings = this.#started.flatMap((job) => job.placement ?? []);
    const nodes = specs.map((spec) => {
      const held = holdings.filter(({ nodeName }) => nodeName === spec.name);
      const sum = (of: (resources: Resources) => number) =>
        held.reduce((total, { resources }) => total + of(resources), 0);
      const { cpus, memoryBytes, gpus } = spec.resources;
      const free = {
        cpus: cpus - sum((r) => r.cpus),
        memoryBytes: memoryBytes - sum((r) => r.memoryBytes),
        gpus: gpus - sum((r) => r.gpus),
      };
      const index = this.#nodes.findIndex((node) => node.spec === spec);
      return { spec, free, index, isIdle: held.length === 0, takenGpus: held.flatMap(({ gpuIndices }) => gpuIndices) };
    });
    const hasLeft = (spec: NodeSpec) => this.#leftAt(spec, request, () => true) >= needOf(spec, request).cpus;
    const fitting = nodes.filter(
      (node) => suits(node.spec, node.free, request) && (!request.exclusive || node.isIdle) && hasLeft(node.spec),
    );
    return fitting.sort(
      (a, b) => Number(a.isIdle) - Number(b.isIdle) || a.free.gpus - b.free.gpus || a.index - b.index,
    );
  }

  #place(request: JobRequest, specs: NodeSpec[]): Placement | null {
    const fitting = this.#fitting(request, specs);
    if (fitting.length < request.nodes) return null;
    const names = [...new Set(this.#nodes.map(({ spec }) => spec.leaf))];
    // All of the lighter nodes, as long as they are not enough; then those of one weight.
    const weightOf = ({ spec: { weight = 1 } }: (typeof fitting)[number]) => weight;
    const countUpTo = (weight: number) => fitting.filter((node) => weightOf(node) <= weight).length;
    const last = Math.min(...fitting.map(weightOf).filter((weight) => countUpTo(weight) >= request.nodes));
    const chosen = fitting.filter((node) => weightOf(node) < last);
    const open = fitting.filter((node) => weightOf(node) === last);
    const leavesOf = (isKnown: boolean) =>
      names
        .filter((name) => isKnown === chosen.some(({ spec }) => spec.leaf === name))
        .map((name) => open.filter(({ spec }) => spec.leaf === name));
    const leaves = leavesOf(false).sort((a, b) => b.length - a.length);
    chosen.push(
      ...leavesOf(true)
        .flat()
        .slice(0, request.nodes - chosen.length),
    );
    if (request.nodes === 1) chosen.push(...open.slice(0, 1));
    while (chosen.length < request.nodes) {
      const needed = request.nodes - chosen.length;
      const tightest = leaves.filter((leaf) => leaf.length >= needed).sort((a, b) => a.length - b.length)[0];
      chosen.push(...(tightest ?? leaves.shift() ?? []).slice(0, needed));
    }
    chosen.sort((a, b) => names.indexOf(a.spec.leaf) - names.indexOf(b.spec.leaf) || a.index - b.index);
    return chosen.map(({ spec, takenGpus }) => {
      const resources = request.exclusive ? spec.resources : request.perNode;
      const free = Array.from({ length: spec.resources.gpus }, (_, index) => index).filter(
        (index) => !takenGpus.includes(index),
      );
      return { nodeName: spec.name, resources, gpuIndices: free.slice(0, resources.gpus) };
    });
  }

  #doom(job: Job, cause: EndCause): void {
    const strength = (of: EndCause | null) =>
      [null, 'TIMEOUT', 'REQUEUE', 'CANCELLED'].indexOf(of === 'NODE_FAIL' || of === 'HANG' ? 'TIMEOUT' : of);
    if (strength(cause) <= strength(job.cause)) return;
    if (job.cause === null) this.#doomed.push(job);
    job.cause = cause;
  }

  #leave(job: Job, verdict: Verdict): void {
    this.#started = this.#started.filter((other) => other !== job);
    this.#doomed = this.#doomed.filter((other) => other !== job);
    Object.assign(job, { placement: null, endMs: Infinity, dueMs: Infinity });
    this.#settle(job, verdict);
  }

  #settle(job: Job, verdict: Verdict): void {
    job.verdict = verdict;
    if (!this.#settling.includes(job)) this.#settling.push(job);
  }

  /** What is satisfied once is forgotten. */
  #dropSatisfied(atMs: number): void {
    const isMet = (wait: Wait) => isMetAt(wait, this.#ended.get(wait.jobId), this.#jobs.get(wait.jobId), atMs);
    const hasFailed = ({ jobId }: Wait) => {
      const state = this.#ended.get(jobId)?.state;
      return state !== undefined && state !== 'COMPLETED';
    };
    for (const job of this.#jobs.values()) {
      const { waits } = job;
      if (waits.length === 0) continue;
      const isTermMet = (wait: Wait) => {
        const term = wait.set === undefined ? [wait] : waits.filter(({ set }) => set === wait.set);
        const isArrayFailure = wait.set !== undefined && wait.condition === 'afternotok';
        return isArrayFailure
          ? term.every(({ jobId }) => this.#ended.has(jobId)) && term.some(hasFailed)
          : term.every(isMet);
      };
      if (job.request.isAnyEnough === true) job.waits = waits.some(isTermMet) ? [] : waits;
      else job.waits = waits.filter((wait) => !isTermMet(wait));
    }
  }
}
