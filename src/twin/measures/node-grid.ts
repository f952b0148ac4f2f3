import type { NodeSpec } from '../../cluster/node.ts';
import type { Allocation } from '../../scheduler/core-types.ts';
import { type NodeTimeline, TIMELINE_STATES, type TimelineRow } from '../report.ts';
import type { TwinJob } from '../types.ts';
import { BucketSums } from './bucket-sums.ts';
import type { JobDevices } from './job-devices.ts';

/** More than these a page cannot show apart. */
const ROWS_MAX = 250;
const CELLS_MAX = 240_000;
const COLUMNS_MAX = 2000;

const IDLE = TIMELINE_STATES.indexOf('idle');
const DOWN = TIMELINE_STATES.indexOf('down');
const DRAINED = TIMELINE_STATES.indexOf('drained');
const FIRST_SIZE = TIMELINE_STATES.indexOf('1-8');
/** Devices from which the next size of a job begins, as TIMELINE_STATES names them. */
const SIZES_FROM = [9, 65, 256, 1024] as const;

/** The node timeline: how much of each cell of nodes and time was in which state. */
export class NodeGrid {
  readonly #nodes: readonly NodeSpec[];
  readonly #devices: JobDevices;
  readonly #rowNodes: number;
  readonly #rows: number;
  readonly #sums: BucketSums;

  constructor(nodes: readonly NodeSpec[], devices: JobDevices, horizonMs: number | null) {
    this.#nodes = nodes;
    this.#devices = devices;
    this.#rowNodes = Math.max(1, Math.ceil(nodes.length / ROWS_MAX));
    this.#rows = Math.ceil(nodes.length / this.#rowNodes);
    const columns = Math.min(COLUMNS_MAX, Math.floor(CELLS_MAX / Math.max(1, this.#rows)));
    this.#sums = new BucketSums(this.#rows * TIMELINE_STATES.length, columns, 0, horizonMs);
  }

  outOfService(nodeIndex: number, isDown: boolean, atMs: number, delta: number): void {
    const row = Math.floor(nodeIndex / this.#rowNodes);
    this.#sums.change(row * TIMELINE_STATES.length + (isDown ? DOWN : DRAINED), atMs, delta);
  }

  /** `total`: devices of the job on all its nodes. */
  held(job: TwinJob, allocation: Allocation, total: number, atMs: number, sign: 1 | -1): void {
    const state = FIRST_SIZE + sizeOf(total);
    let row = -1;
    let delta = 0;
    // A gang's nodes are neighbours for the most part: one change for all in a row.
    const { nodeIndices } = allocation;
    for (let rank = 0; rank < nodeIndices.length; rank++) {
      const nodeIndex = nodeIndices[rank]!;
      const next = Math.floor(nodeIndex / this.#rowNodes);
      if (next !== row) {
        if (delta !== 0) this.#sums.change(row * TIMELINE_STATES.length + state, atMs, delta);
        row = next;
        delta = 0;
      }
      delta += sign * this.#devices.heldOn(nodeIndex, job, allocation);
    }
    if (delta !== 0) this.#sums.change(row * TIMELINE_STATES.length + state, atMs, delta);
  }

  timeline(endMs: number): NodeTimeline {
    const rows = Array.from({ length: this.#rows }, (_, row) => this.#row(row, endMs));
    return { columnSeconds: this.#sums.widthMs / 1000, columns: this.#sums.bucketCount(endMs), rows };
  }

  #row(row: number, endMs: number): TimelineRow {
    const firstNode = row * this.#rowNodes;
    const lastNode = Math.min(this.#nodes.length, firstNode + this.#rowNodes) - 1;
    const sums = TIMELINE_STATES.map((_, state) => this.#sums.sums(row * TIMELINE_STATES.length + state, endMs));
    let capacity = 0;
    for (let node = firstNode; node <= lastNode; node++) capacity += this.#devices.byNode[node] ?? 0;
    const runs: number[] = [];
    const outOfService: number[] = [];
    let last = -1;
    let lastOut = 0;
    for (let column = 0; column < this.#sums.bucketCount(endMs); column++) {
      const beginMs = column * this.#sums.widthMs;
      const total = capacity * (Math.min(endMs, beginMs + this.#sums.widthMs) - beginMs);
      const state = mostOf(sums, column, total);
      if (state !== last) runs.push(column, state);
      last = state;
      const outDeviceMs = (sums[DOWN]?.[column] ?? 0) + (sums[DRAINED]?.[column] ?? 0);
      const out = total === 0 ? 0 : Math.round((10 * (lastNode - firstNode + 1) * outDeviceMs) / total) / 10;
      if (out !== lastOut) outOfService.push(column, out);
      lastOut = out;
    }
    const label = firstNode === lastNode ? this.#name(firstNode) : `${this.#name(firstNode)} - ${this.#name(lastNode)}`;
    return { firstNode, lastNode, label, runs, outOfService };
  }

  #name(nodeIndex: number): string {
    return this.#nodes[nodeIndex]?.name ?? '';
  }
}

/** The state with most of a column; idle is what no other has. */
function mostOf(sums: readonly Float64Array[], column: number, total: number): number {
  let rest = total;
  let best = IDLE;
  let most = 0;
  sums.forEach((ofState, state) => {
    const sum = ofState[column] ?? 0;
    rest -= sum;
    if (sum > most) {
      most = sum;
      best = state;
    }
  });
  return rest > most ? IDLE : best;
}

function sizeOf(devices: number): number {
  let size = 0;
  while (devices >= (SIZES_FROM[size] ?? Infinity)) size += 1;
  return size;
}
