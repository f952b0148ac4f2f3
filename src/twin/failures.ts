import type { NodeSpec } from '../cluster/node.ts';
import { type Random, streamOf } from '../lib/random.ts';
import { type Failure, FailureDraws, drawRepairMs } from './failure-draws.ts';
import { type FailureModel, meanRegimeFactor, nodeRates } from './failure-model.ts';
import { PoissonStream, type RateStep } from './failure-stream.ts';
import type { Incident, IncidentSource } from './types.ts';

const DAY_MS = 86_400_000;

export interface IncidentOptions {
  seed: number;
  /** No incident later than this; null for no end. */
  untilMs: number | null;
}

/** Incidents of a model, with what the modelled world knows and an operator does not. */
export interface FailureSource extends IncidentSource {
  /** Another machine stands in the node's place: no lemon, no bad link. */
  swapped(nodeIndex: number): void;
  /** Which nodes are lemons now. */
  readonly lemonIndices: readonly number[];
}

/** One kind of failure with its own clock and its own generator. `draw` gives null where what was to fail is no longer there. */
interface Clock {
  stream: PoissonStream;
  draw(atMs: number): Incident | null;
}

/**
 * What breaks on a cluster, drawn as it is asked for: one exponential clock for each kind of failure over all nodes it can hit, the nodes
 * alike. Failures of nodes that are out of service count for nothing, so what is drawn does not depend on what the scheduler does, but for
 * lemons that are cured or swapped: whose failures are drawn and dropped, so that all others stay the same. Throws the RangeError of `nodeRates`.
 */
export function createIncidents(
  model: FailureModel,
  nodes: readonly NodeSpec[],
  { seed, untilMs }: IncidentOptions,
): FailureSource {
  return new Failures(model, nodes, seed, untilMs ?? Infinity);
}

class Failures implements FailureSource {
  readonly #model: FailureModel;
  readonly #nodes: readonly NodeSpec[];
  readonly #seed: number;
  readonly #untilMs: number;
  readonly #draws: FailureDraws;
  readonly #clocks: Clock[] = [];
  readonly #lemons = new Set<number>();
  /** Nodes swapped so far: what is particular to a machine went with it. */
  readonly #swapped = new Set<number>();
  readonly #cures: Random;

  constructor(model: FailureModel, nodes: readonly NodeSpec[], seed: number, untilMs: number) {
    this.#model = model;
    this.#nodes = nodes;
    this.#seed = seed;
    this.#untilMs = untilMs;
    this.#draws = new FailureDraws(model);
    this.#cures = this.#random('cures');
    const { healthyPerDay, lemonPerDay } = nodeRates(model);
    this.#addNodeFailures(healthyPerDay);
    this.#addLemons(lemonPerDay - healthyPerDay);
    this.#addRegimes();
    this.#addDrains();
    this.#addSwitches();
    this.#addStorage();
  }

  get lemonIndices(): readonly number[] {
    return [...this.#lemons];
  }

  next(): Incident | null {
    for (;;) {
      let first: Clock | null = null;
      for (const clock of this.#clocks) {
        if (first === null || clock.stream.nextMs < first.stream.nextMs) first = clock;
      }
      if (first === null) return null;
      const atMs = Math.round(first.stream.nextMs);
      // Not the other way round: Infinity is no instant, even where there is no end.
      if (!(atMs <= this.#untilMs) || atMs === Infinity) return null;
      const incident = first.draw(atMs);
      first.stream.advance();
      if (incident !== null) return incident;
    }
  }

  repaired(nodeIndex: number): void {
    if (!this.#lemons.has(nodeIndex)) return;
    if (this.#cures.nextUniform() < this.#model.lemons.cureShare) this.#lemons.delete(nodeIndex);
  }

  swapped(nodeIndex: number): void {
    this.#lemons.delete(nodeIndex);
    this.#swapped.add(nodeIndex);
  }

  #random(name: string): Random {
    return streamOf(this.#seed, `failures: ${name}`);
  }

  /** Times and all else come from generators of their own. A clock that never strikes is left out. */
  #addClock(name: string, steps: readonly RateStep[], draw: (random: Random, atMs: number) => Incident | null): void {
    if (steps.every(({ perMs }) => !(perMs > 0))) return;
    const random = this.#random(name);
    const stream = new PoissonStream(steps, this.#random(`${name}, times`));
    this.#clocks.push({ stream, draw: (atMs) => draw(random, atMs) });
  }

  #anyNode(random: Random): number {
    return Math.floor(random.nextUniform() * this.#nodes.length);
  }

  #addNodeFailures(perNodeDay: number): void {
    this.#addClock('nodes', always(perNodeDay * this.#nodes.length), (random, atMs) => {
      const nodeIndex = this.#anyNode(random);
      const failure = this.#draws.jobEnding(random, null);
      return incidentOf(failure, atMs, [nodeIndex], this.#lemons.has(nodeIndex));
    });
  }

  #addLemons(extraPerNodeDay: number): void {
    const { nodeShare } = this.#model.lemons;
    const indices = this.#chosen(Math.round(nodeShare * this.#nodes.length), this.#random('which nodes are lemons'));
    if (!(extraPerNodeDay > 0)) return;
    for (const nodeIndex of indices) this.#lemons.add(nodeIndex);
    this.#addClock('lemons', always(extraPerNodeDay * indices.length), (random, atMs) => {
      const nodeIndex = indices[Math.floor(random.nextUniform() * indices.length)] ?? 0;
      const failure = this.#draws.jobEnding(random, null);
      return this.#lemons.has(nodeIndex) ? incidentOf(failure, atMs, [nodeIndex], true) : null;
    });
  }

  #addRegimes(): void {
    const perNodeDay = this.#model.failuresPerThousandNodeDays / 1000 / meanRegimeFactor(this.#model);
    for (const [order, { component, fromDay, toDay, factor, nodeShare }] of this.#model.regimes.entries()) {
      const { share } = this.#model.components[component];
      const perMs = (perNodeDay * share * (factor - 1) * this.#nodes.length) / DAY_MS;
      const steps = [
        { fromMs: 0, perMs: fromDay > 0 ? 0 : perMs },
        ...(fromDay > 0 ? [{ fromMs: fromDay * DAY_MS, perMs }] : []),
        { fromMs: toDay * DAY_MS, perMs: 0 },
      ];
      const name = `regime ${order + 1}`;
      const isFew = nodeShare < 1;
      const count = Math.max(1, Math.round(nodeShare * this.#nodes.length));
      const indices = isFew ? this.#chosen(count, this.#random(`${name}, which nodes`)) : null;
      this.#addClock(name, steps, (random, atMs) => {
        const uniform = random.nextUniform();
        const failure = this.#draws.jobEnding(random, component);
        const size = indices?.length ?? this.#nodes.length;
        const place = Math.floor(uniform * size);
        const nodeIndex = indices?.[place] ?? place;
        if (isFew && this.#swapped.has(nodeIndex)) return null;
        return incidentOf(failure, atMs, [nodeIndex], isFew || this.#lemons.has(nodeIndex));
      });
    }
  }

  #addDrains(): void {
    const { lowSeverity, falsePositives } = this.#model;
    const perDay = (perThousand: number) => (perThousand / 1000) * this.#nodes.length;
    this.#addClock('low severity', always(perDay(lowSeverity.perThousandNodeDays)), (random, atMs) => {
      const nodeIndex = this.#anyNode(random);
      return incidentOf(this.#draws.draining(random), atMs, [nodeIndex], this.#lemons.has(nodeIndex));
    });
    this.#addClock('false positives', always(perDay(falsePositives.perThousandNodeDays)), (random, atMs) => {
      const nodeIndex = this.#anyNode(random);
      const failure = this.#draws.falsePositive(random);
      return { ...incidentOf(failure, atMs, [nodeIndex], this.#lemons.has(nodeIndex)), isFalsePositive: true };
    });
  }

  #addSwitches(): void {
    const leaves = new Map<string, number[]>();
    for (const [nodeIndex, { leaf }] of this.#nodes.entries()) {
      if (leaf === null) continue;
      const below = leaves.get(leaf);
      if (below === undefined) leaves.set(leaf, [nodeIndex]);
      else below.push(nodeIndex);
    }
    const below = [...leaves.values()];
    const { perThousandLeafDays, repair } = this.#model.switchOutages;
    this.#addClock('switches', always((perThousandLeafDays / 1000) * below.length), (random, atMs) => {
      const nodeIndices = below[Math.floor(random.nextUniform() * below.length)] ?? [];
      const delayMs = this.#draws.checkDelayMs(random);
      return outageOf('switch', atMs, delayMs, drawRepairMs(repair, random), nodeIndices);
    });
  }

  #addStorage(): void {
    const { perThousandDays, nodeShare, repair } = this.#model.storageOutages;
    const count = Math.round(nodeShare * this.#nodes.length);
    if (count === 0) return;
    this.#addClock('storage', always(perThousandDays / 1000), (random, atMs) => {
      const delayMs = this.#draws.checkDelayMs(random);
      const repairMs = drawRepairMs(repair, random);
      return outageOf('storage', atMs, delayMs, repairMs, this.#chosen(count, random));
    });
  }

  /** So many different nodes, each as likely, in ascending order. */
  #chosen(count: number, random: Random): number[] {
    const indices = Array.from(this.#nodes.keys());
    for (let taken = 0; taken < count; taken++) {
      const other = taken + Math.floor(random.nextUniform() * (indices.length - taken));
      const nodeIndex = indices[other] ?? 0;
      indices[other] = indices[taken] ?? 0;
      indices[taken] = nodeIndex;
    }
    return indices.slice(0, count).sort((a, b) => a - b);
  }
}

function always(perDay: number): readonly RateStep[] {
  return [{ fromMs: 0, perMs: perDay / DAY_MS }];
}

function incidentOf(
  { component, severity, delayMs, repairMs, alsoSeen }: Failure,
  atMs: number,
  nodeIndices: readonly number[],
  isLemon: boolean,
): Incident {
  const detectedMs = atMs + delayMs;
  const incident = { atMs, detectedMs, repairMs, component, severity, nodeIndices, isFalsePositive: false, isLemon };
  return alsoSeen.length === 0 ? incident : { ...incident, alsoSeen };
}

function outageOf(
  component: 'switch' | 'storage',
  atMs: number,
  delayMs: number,
  repairMs: number,
  nodeIndices: readonly number[],
): Incident {
  const detectedMs = atMs + delayMs;
  const severity = 'high';
  return { atMs, detectedMs, repairMs, component, severity, nodeIndices, isFalsePositive: false, isLemon: false };
}
