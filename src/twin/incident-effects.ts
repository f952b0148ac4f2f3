import type { NodeServices } from './node-services.ts';
import type { Incident } from './types.ts';

/** What incidents ask of the engine. */
export interface IncidentHost {
  /** From now on nothing is done in the attempt, until somebody ends it. */
  stall(slot: number, nowMs: number): void;
  /** A node of the attempt is about to be taken from it. */
  loseNode(slot: number, incident: Incident): void;
  /** The attempt fails of it. */
  failAttempt(slot: number, incident: Incident): void;
  scheduleDetection(incident: Incident): void;
}

/** What breaks on nodes does to them and to the attempts on them. */
export class IncidentEffects {
  readonly #nodes: NodeServices;
  readonly #host: IncidentHost;

  constructor(nodes: NodeServices, host: IncidentHost) {
    this.#nodes = nodes;
    this.#host = host;
  }

  /** It breaks now. False where all of its nodes are in repair anyway: nothing happens. */
  break(incident: Incident, nowMs: number): boolean {
    const { severity, isFalsePositive, nodeIndices, detectedMs } = incident;
    if (nodeIndices.every((nodeIndex) => this.#nodes.isOut(nodeIndex))) return false;
    if (!isFalsePositive && severity !== 'low') {
      for (const nodeIndex of nodeIndices) {
        if (this.#nodes.isOut(nodeIndex)) continue;
        if (severity === 'job') this.#failOneOn(nodeIndex, incident);
        else this.#stallAllOn(nodeIndex, nowMs);
      }
    }
    if (detectedMs < Infinity) this.#host.scheduleDetection(incident);
    return true;
  }

  /** A check or the heartbeat notices. Nodes that have been in repair since it broke are fine again. */
  detect(incident: Incident, nowMs: number): void {
    const { severity, component, repairMs, nodeIndices, atMs } = incident;
    for (const nodeIndex of nodeIndices) {
      if (!this.#nodes.isStillBroken(nodeIndex, atMs)) continue;
      if (severity === 'low' || severity === 'job') this.#nodes.drain(nodeIndex, component, repairMs, nowMs);
      else {
        for (const slot of this.#nodes.tenants(nodeIndex).slice()) this.#host.loseNode(slot, incident);
        this.#nodes.fail(nodeIndex, component, repairMs, nowMs);
      }
    }
  }

  #stallAllOn(nodeIndex: number, nowMs: number): void {
    this.#nodes.break(nodeIndex);
    for (const slot of this.#nodes.tenants(nodeIndex)) this.#host.stall(slot, nowMs);
  }

  /** One GPU or link is one job's. Which of those on the node, the instant decides: no random number is drawn here. */
  #failOneOn(nodeIndex: number, incident: Incident): void {
    const tenants = this.#nodes.tenants(nodeIndex);
    const slot = tenants[incident.atMs % Math.max(1, tenants.length)];
    if (slot !== undefined) this.#host.failAttempt(slot, incident);
  }
}
