import { assert } from '../../lib/assert.ts';
import type { Allocation } from '../../scheduler/core-types.ts';
import type { NodeService, TwinJob } from '../types.ts';
import type { BucketSums } from './bucket-sums.ts';
import type { JobDevices } from './job-devices.ts';
import type { NodeGrid } from './node-grid.ts';

/** Channels of the sums it writes to. */
export interface LedgerChannels {
  idle: number;
  drained: number;
  down: number;
  fragmented: number;
}

const SERVICES: readonly NodeService[] = ['up', 'draining', 'down'];
const UP = 0;
const DOWN = 2;

/**
 * What each node has allocated and whether it is in service, counted apart from what the scheduler believes: free devices are idle, drained or down by the
 * service of their node, allocated ones are allocated whatever that is. Throws where a node is given more than it has.
 */
export class NodeLedger {
  readonly #devices: JobDevices;
  readonly #allocated: Float64Array;
  readonly #services: Uint8Array;
  readonly #sums: BucketSums;
  readonly #channels: LedgerChannels;
  readonly #grid: NodeGrid;

  constructor(devices: JobDevices, sums: BucketSums, channels: LedgerChannels, grid: NodeGrid) {
    this.#devices = devices;
    this.#allocated = new Float64Array(devices.byNode.length);
    this.#services = new Uint8Array(devices.byNode.length);
    this.#sums = sums;
    this.#channels = channels;
    this.#grid = grid;
    sums.change(channels.idle, 0, devices.total);
  }

  started(job: TwinJob, allocation: Allocation, total: number, atMs: number): void {
    this.#hold(job, allocation, total, atMs, 1);
  }

  ended(job: TwinJob, allocation: Allocation, total: number, atMs: number): void {
    this.#hold(job, allocation, total, atMs, -1);
  }

  changed(nodeIndex: number, service: NodeService, atMs: number): void {
    const from = this.#services[nodeIndex] ?? UP;
    const to = SERVICES.indexOf(service);
    if (from === to) return;
    this.#services[nodeIndex] = to;
    const allocated = this.#allocated[nodeIndex] ?? 0;
    const free = (this.#devices.byNode[nodeIndex] ?? 0) - allocated;
    if (free === 0) return;
    this.#free(from, atMs, -free);
    this.#free(to, atMs, free);
    if (allocated > 0 && (from === UP || to === UP)) {
      this.#sums.change(this.#channels.fragmented, atMs, to === UP ? free : -free);
    }
    if (from !== UP) this.#grid.outOfService(nodeIndex, from === DOWN, atMs, -free);
    if (to !== UP) this.#grid.outOfService(nodeIndex, to === DOWN, atMs, free);
  }

  #hold(job: TwinJob, allocation: Allocation, total: number, atMs: number, sign: 1 | -1): void {
    const { nodeIndices } = allocation;
    let idle = 0;
    let fragmented = 0;
    for (let rank = 0; rank < nodeIndices.length; rank++) {
      const nodeIndex = nodeIndices[rank]!;
      const capacity = this.#devices.byNode[nodeIndex] ?? 0;
      const change = sign * this.#devices.heldOn(nodeIndex, job, allocation);
      const before = this.#allocated[nodeIndex] ?? 0;
      const after = before + change;
      if (after < 0 || after > capacity) this.#refuse(nodeIndex, after, job);
      this.#allocated[nodeIndex] = after;
      const service = this.#services[nodeIndex] ?? UP;
      if (service === UP) {
        idle -= change;
        fragmented += (after > 0 ? capacity - after : 0) - (before > 0 ? capacity - before : 0);
      } else {
        this.#free(service, atMs, -change);
        this.#grid.outOfService(nodeIndex, service === DOWN, atMs, -change);
      }
    }
    if (idle !== 0) this.#sums.change(this.#channels.idle, atMs, idle);
    if (fragmented !== 0) this.#sums.change(this.#channels.fragmented, atMs, fragmented);
    this.#grid.held(job, allocation, total, atMs, sign);
  }

  #free(service: number, atMs: number, delta: number): void {
    const { idle, drained, down } = this.#channels;
    this.#sums.change(service === UP ? idle : service === DOWN ? down : drained, atMs, delta);
  }

  #refuse(nodeIndex: number, after: number, job: TwinJob): never {
    const capacity = this.#devices.byNode[nodeIndex] ?? 0;
    assert(false, `job ${job.request.jobId} would bring node ${nodeIndex} to ${after} of ${capacity} allocated`);
  }
}
