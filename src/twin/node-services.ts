import type { SchedulerCore } from '../scheduler/core-types.ts';
import type { NodeService } from './types.ts';

const UP = 0;
const DRAINING = 1;
/** Down, or drained and empty: in repair, until the instant in `backMs`. */
const OUT = 2;

/** What nodes ask of the engine. */
export interface NodeServicesHost {
  /** The node's repair is done then; call `repairDone`. */
  scheduleRepair(nodeIndex: number, atMs: number): void;
  changed(nodeIndex: number, service: NodeService, reason: string, atMs: number): void;
  /** It is in service again. */
  returned(nodeIndex: number, atMs: number): void;
}

/** Which attempts are on each node, whether it is in service, and until when it is repaired. */
export class NodeServices {
  /** Slots of the attempts on the node. */
  readonly #tenants: number[][];
  readonly #service: Uint8Array;
  /** Since when it has been out, and when it last came back. */
  readonly #outMs: Float64Array;
  readonly #returnMs: Float64Array;
  readonly #backMs: Float64Array;
  /** For how long it is to be repaired once it is empty. */
  readonly #drainRepairMs: Float64Array;
  /** 1 where it is broken and nobody knows yet: whatever is on it stands still. */
  readonly #isBroken: Uint8Array;
  readonly #reasons: string[];
  readonly #core: SchedulerCore;
  readonly #host: NodeServicesHost;
  #drainingCount = 0;
  #brokenCount = 0;

  constructor(count: number, core: SchedulerCore, host: NodeServicesHost) {
    this.#tenants = Array.from({ length: count }, () => []);
    this.#service = new Uint8Array(count);
    this.#outMs = new Float64Array(count);
    this.#returnMs = new Float64Array(count).fill(-Infinity);
    this.#backMs = new Float64Array(count);
    this.#drainRepairMs = new Float64Array(count);
    this.#isBroken = new Uint8Array(count);
    this.#reasons = Array.from({ length: count }, () => '');
    this.#core = core;
    this.#host = host;
  }

  /** Valid until an attempt comes or goes. */
  tenants(nodeIndex: number): readonly number[] {
    const tenants = this.#tenants[nodeIndex];
    if (tenants === undefined) throw new RangeError(`there is no node ${nodeIndex}`);
    return tenants;
  }

  isOut(nodeIndex: number): boolean {
    return this.#service[nodeIndex] === OUT;
  }

  occupy(slot: number, nodeIndices: readonly number[]): void {
    for (let rank = 0; rank < nodeIndices.length; rank++) this.#tenants[nodeIndices[rank]!]?.push(slot);
  }

  /** Nodes that drain and are empty now go to repair. */
  vacate(slot: number, nodeIndices: readonly number[], nowMs: number): void {
    for (let rank = 0; rank < nodeIndices.length; rank++) {
      const nodeIndex = nodeIndices[rank]!;
      const tenants = this.#tenants[nodeIndex]!;
      const last = tenants.pop();
      if (last !== slot && last !== undefined) tenants[tenants.indexOf(slot)] = last;
      if (this.#drainingCount > 0 && tenants.length === 0 && this.#service[nodeIndex] === DRAINING) {
        this.#repairDrained(nodeIndex, nowMs);
      }
    }
  }

  /** Whether any of these nodes is broken and nobody knows yet. */
  isAnyBroken(nodeIndices: readonly number[]): boolean {
    return this.#brokenCount > 0 && nodeIndices.some((nodeIndex) => this.#isBroken[nodeIndex] === 1);
  }

  break(nodeIndex: number): void {
    if (this.#isBroken[nodeIndex] === 1) return;
    this.#isBroken[nodeIndex] = 1;
    this.#brokenCount += 1;
  }

  /** Whether what broke at `brokeMs` is still so: it has not been in repair since, nor was it then. */
  isStillBroken(nodeIndex: number, brokeMs: number): boolean {
    if (this.#returnMs[nodeIndex]! > brokeMs) return false;
    return !this.isOut(nodeIndex) || this.#outMs[nodeIndex]! > brokeMs;
  }

  /** Lost with all that is on it. A node that is in repair stays there until the later of both is done. */
  fail(nodeIndex: number, reason: string, repairMs: number, nowMs: number): void {
    if (this.isOut(nodeIndex)) return this.#prolong(nodeIndex, nowMs + repairMs);
    let wholeMs = repairMs;
    if (this.#service[nodeIndex] === DRAINING) {
      this.#drainingCount -= 1;
      wholeMs = Math.max(repairMs, this.#drainRepairMs[nodeIndex]!);
    }
    this.#core.failNode(nodeIndex, reason);
    this.#reasons[nodeIndex] = reason;
    this.#goOut(nodeIndex, wholeMs, nowMs);
  }

  /** Nothing new comes on it; once it is empty it is repaired for so long. */
  drain(nodeIndex: number, reason: string, repairMs: number, nowMs: number): void {
    if (this.isOut(nodeIndex)) return this.#prolong(nodeIndex, nowMs + repairMs);
    if (this.#service[nodeIndex] === DRAINING) {
      this.#drainRepairMs[nodeIndex] = Math.max(repairMs, this.#drainRepairMs[nodeIndex]!);
      return;
    }
    this.#core.drainNode(nodeIndex, reason);
    this.#service[nodeIndex] = DRAINING;
    this.#drainingCount += 1;
    this.#drainRepairMs[nodeIndex] = repairMs;
    this.#reasons[nodeIndex] = reason;
    this.#host.changed(nodeIndex, 'draining', reason, nowMs);
    if (this.tenants(nodeIndex).length === 0) this.#repairDrained(nodeIndex, nowMs);
  }

  /** False where it is to be repaired for longer. */
  repairDone(nodeIndex: number, nowMs: number): boolean {
    if (!this.isOut(nodeIndex) || nowMs < this.#backMs[nodeIndex]!) return false;
    this.#service[nodeIndex] = UP;
    this.#returnMs[nodeIndex] = nowMs;
    if (this.#isBroken[nodeIndex] === 1) {
      this.#isBroken[nodeIndex] = 0;
      this.#brokenCount -= 1;
    }
    this.#core.resumeNode(nodeIndex);
    this.#host.changed(nodeIndex, 'up', 'repaired', nowMs);
    this.#host.returned(nodeIndex, nowMs);
    return true;
  }

  #repairDrained(nodeIndex: number, nowMs: number): void {
    this.#drainingCount -= 1;
    this.#goOut(nodeIndex, this.#drainRepairMs[nodeIndex]!, nowMs);
  }

  #goOut(nodeIndex: number, repairMs: number, nowMs: number): void {
    this.#service[nodeIndex] = OUT;
    this.#outMs[nodeIndex] = nowMs;
    this.#backMs[nodeIndex] = nowMs + repairMs;
    this.#host.scheduleRepair(nodeIndex, nowMs + repairMs);
    this.#host.changed(nodeIndex, 'down', this.#reasons[nodeIndex] ?? '', nowMs);
  }

  #prolong(nodeIndex: number, backMs: number): void {
    if (backMs <= this.#backMs[nodeIndex]!) return;
    this.#backMs[nodeIndex] = backMs;
    this.#host.scheduleRepair(nodeIndex, backMs);
  }
}
