import { ZERO_MS } from '../lib/zero-ms.ts';
import type { JobRecord } from './job-record.ts';
import type { Ledger } from './ledger.ts';
import type { NodePool } from './node-pool.ts';
import { couldHold, isInService, isKeptOff, type NodeRecord } from './node-record.ts';
import { countWithRoom, takesWholeNodes } from './placement.ts';

/**
 * The reservation of EASY backfill (Lifka 1995, "The ANL/IBM SP scheduling system"): when the first job that waits can start at the latest, and
 * how many nodes more than it needs have room for it then.
 */
export interface Shadow {
  readonly head: JobRecord;
  /** Infinity where attempts without a time limit are in its way. */
  readonly startMs: number;
  /** Nodes that attempts which end later may take of those that have room at `startMs`. */
  extra: number;
  /** All nodes are alike and the head needs idle ones: any that is idle now has room for it at `startMs`. */
  readonly isWhole: boolean;
}

/** Takes it that every attempt ends by its time limit, one that is overdue or being ended at once. */
export function shadowOf(ledger: Ledger, head: JobRecord, nowMs: number): Shadow {
  const { pool, ends } = ledger;
  const needed = head.request.nodes;
  const isWhole = takesWholeNodes(pool, head);
  const walk = isWhole ? null : new Walk(pool, head);
  let count = countWithRoom(pool, head);
  const shadow = { head, startMs: ZERO_MS, extra: 0, isWhole };
  shadow.startMs = nowMs;
  const { chunks } = ends;
  search: for (let number = 0; number < chunks.length; number++) {
    const { jobs, ends: endsMs } = chunks[number]!;
    for (let index = 0; index < jobs.length; index++) {
      const job = jobs[index]!;
      const endMs = Math.max(nowMs, endsMs[index]!);
      if (endMs === Infinity || (count >= needed && endMs > shadow.startMs)) break search;
      shadow.startMs = endMs;
      count += walk === null ? job.lastOnCount : walk.release(job);
    }
  }
  if (count < needed) shadow.startMs = Infinity;
  else shadow.extra = count - needed;
  return shadow;
}

/**
 * Whether a job that holds a part of the node past the shadow time would take it from the head: it has room for the head then, and would no
 * longer.
 */
export function isHarmful(shadow: Shadow, node: NodeRecord, job: JobRecord): boolean {
  const { head, startMs } = shadow;
  if (!isCapable(node, head)) return false;
  let cpus = node.freeCpus;
  let memoryBytes = node.freeMemoryBytes;
  let gpus = node.freeGpus;
  let jobs = node.jobs.length;
  let left = leftOf(head, node);
  for (const other of node.jobs) {
    const endMs = other.endMsMax;
    if (endMs > startMs || endMs === Infinity) continue;
    const held = other.request.exclusive ? node.spec.resources : other.request.perNode;
    cpus += held.cpus;
    memoryBytes += held.memoryBytes;
    gpus += held.gpus;
    jobs -= 1;
    if (other.cap === head.cap) left += held.cpus;
  }
  const { perNode, exclusive } = head.request;
  if (
    left < perNode.cpus ||
    cpus < perNode.cpus ||
    memoryBytes < perNode.memoryBytes ||
    gpus < perNode.gpus ||
    (exclusive && jobs > 0)
  )
    return false;
  if (exclusive || job.request.exclusive) return true;
  const taken = job.request.perNode;
  return (
    (job.cap === head.cap && left - taken.cpus < perNode.cpus) ||
    cpus - taken.cpus < perNode.cpus ||
    memoryBytes - taken.memoryBytes < perNode.memoryBytes ||
    gpus - taken.gpus < perNode.gpus
  );
}

/** CPUs of the node that its partition leaves the head now; Infinity where it does not bound them. */
function leftOf({ cap }: JobRecord, node: NodeRecord): number {
  return cap === null ? Infinity : cap.cpusMax - (node.cappedCpus[cap.index] ?? 0);
}

function isCapable(node: NodeRecord, job: JobRecord): boolean {
  return (
    isInService(node) &&
    (node.claim === null || node.claim === job) &&
    couldHold(node.nodeClass, job) &&
    !isKeptOff(node, job)
  );
}

/** What is free on nodes as one attempt after the other ends, and how many of them have room for the head. */
class Walk {
  readonly #pool: NodePool;
  readonly #head: JobRecord;
  readonly #seen = new Map<
    number,
    { cpus: number; left: number; memoryBytes: number; gpus: number; jobs: number; hasRoom: boolean }
  >();

  constructor(pool: NodePool, head: JobRecord) {
    this.#pool = pool;
    this.#head = head;
  }

  /** Returns how many nodes have room now that had none before. */
  release(job: JobRecord): number {
    let gained = 0;
    for (const index of job.held?.nodeIndices ?? []) {
      const node = this.#pool.at(index);
      if (!isCapable(node, this.#head)) continue;
      const free = this.#freeOf(node);
      const held = job.request.exclusive ? node.spec.resources : job.request.perNode;
      free.cpus += held.cpus;
      if (job.cap === this.#head.cap) free.left += held.cpus;
      free.memoryBytes += held.memoryBytes;
      free.gpus += held.gpus;
      free.jobs -= 1;
      if (free.hasRoom || !this.#fits(free)) continue;
      free.hasRoom = true;
      gained += 1;
    }
    return gained;
  }

  #freeOf(node: NodeRecord) {
    const known = this.#seen.get(node.index);
    if (known !== undefined) return known;
    const free = {
      cpus: node.freeCpus,
      left: leftOf(this.#head, node),
      memoryBytes: node.freeMemoryBytes,
      gpus: node.freeGpus,
      jobs: node.jobs.length,
      hasRoom: false,
    };
    free.hasRoom = this.#fits(free);
    this.#seen.set(node.index, free);
    return free;
  }

  #fits(free: { cpus: number; left: number; memoryBytes: number; gpus: number; jobs: number }): boolean {
    const { perNode, exclusive } = this.#head.request;
    return (
      free.cpus >= perNode.cpus &&
      free.left >= perNode.cpus &&
      free.memoryBytes >= perNode.memoryBytes &&
      free.gpus >= perNode.gpus &&
      (!exclusive || free.jobs === 0)
    );
  }
}
