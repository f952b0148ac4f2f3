import type { Sources } from '../cluster/cluster.ts';
import type { Component } from './types.ts';

/** What of a node can break. Switches and storage break for many nodes at a time and have rates of their own. */
export type NodeComponent = Exclude<Component, 'switch' | 'storage'>;

export const NODE_COMPONENTS = [
  'gpu',
  'nvlink',
  'ib_link',
  'pcie',
  'mount',
  'host',
  'unattributed',
] as const satisfies readonly NodeComponent[];

/** Of a log-normal time: half are shorter than the median; the deviation is that of the natural logarithm. */
export interface RepairTime {
  medianHours: number;
  logDeviation: number;
}

/** Shares add up to 1. */
export interface SeverityMix {
  /** A health check removes the node and requeues what runs on it. */
  high: number;
  /** The node stops answering. */
  heartbeat: number;
  /** The job fails first; the epilog or the next health check finds the node. */
  job: number;
}

export interface ComponentFailures {
  /** Of all failures of nodes that end jobs. */
  share: number;
  severities: SeverityMix;
  /** Of its failures, those after which something is replaced; the others end with a reset. */
  replacementShare: number;
  /** Of its failures, those that the named component's checks see too. */
  alsoSeen: readonly { component: NodeComponent; share: number }[];
}

/** A component fails more often for a while: a driver regression, links that go bad. */
export interface FailureRegime {
  component: NodeComponent;
  fromDay: number;
  toDay: number;
  /** Of the component's rate over the whole cluster. */
  factor: number;
  /** What comes on top hits these only, always the same: a handful of nodes. 1 is all. */
  nodeShare: number;
}

/** How often what breaks, how it is noticed and how long it is out. Shares are of 1. */
export interface FailureModel {
  name: string;
  title: string;
  note: string | null;
  /** Failures of single nodes that end the jobs on them: the paper's r_f, lemons and regimes included. */
  failuresPerThousandNodeDays: number;
  components: Readonly<Record<NodeComponent, ComponentFailures>>;
  /** Faults that drain a node and end no job. */
  lowSeverity: { perThousandNodeDays: number; replacementShare: number };
  /** Checks that drain a node although nothing is wrong with it. */
  /** `highShare`: of them, those for which the node is removed at once and its jobs are requeued; for the others it drains. */
  falsePositives: { perThousandNodeDays: number; highShare: number; repair: RepairTime };
  lemons: {
    /** Of the nodes. */
    nodeShare: number;
    /** Of the failures that end jobs, those that lemons have. */
    failureShare: number;
    /** Chance that an ordinary repair cures one. */
    cureShare: number;
  };
  regimes: readonly FailureRegime[];
  /** Over these days from the start the mean rate, with the regimes, is `failuresPerThousandNodeDays`. */
  regimeDays: number;
  /** Every node below a leaf switch is lost. */
  switchOutages: { perThousandLeafDays: number; repair: RepairTime };
  /** Nodes whose mounts do not come back are lost; jobs on the others stall for less than is modelled. */
  storageOutages: { perThousandDays: number; nodeShare: number; repair: RepairTime };
  detection: {
    /** Between two runs of the health checks. */
    checkIntervalSeconds: number;
    /** Of jobs that fail for their node, those whose epilog finds it; the next health check finds the others. */
    epilogShare: number;
    /** How long the epilog's checks take. */
    epilogSeconds: number;
    /** Slurm's SlurmdTimeout: a node that has not answered for so long is DOWN. */
    heartbeatTimeoutSeconds: number;
  };
  repair: { reset: RepairTime; replacement: RepairTime };
  sources: Sources;
}

/** Mean in hours. Of a log-normal variable: median times exp(deviation^2 / 2). */
export function meanHours({ medianHours, logDeviation }: RepairTime): number {
  return medianHours * Math.exp(logDeviation ** 2 / 2);
}

/** Failures that end jobs, a day. */
export interface NodeRates {
  /** Of a node that is no lemon, without regimes. */
  healthyPerDay: number;
  /** Of a lemon while it is in service. */
  lemonPerDay: number;
}

/**
 * Rates of healthy nodes and of lemons that add up to r_f over node-days in service. Lemons are a share s of the nodes and have a share f of
 * the failures; at a rate l and with repairs that take R days in the mean they are in service 1 / (1 + l R) of the time, so that
 * l s / (1 + l R) = f r_f (s / (1 + l R) + 1 - s), or l = f r_f / (s - f r_f (1 - s) R).
 * Throws a RangeError where lemons would be in repair all the time before they had that share.
 */
export function nodeRates(model: FailureModel): NodeRates {
  const perDay = model.failuresPerThousandNodeDays / 1000 / meanRegimeFactor(model);
  const { nodeShare, failureShare } = model.lemons;
  if (nodeShare === 0 || failureShare === 0 || perDay === 0) return { healthyPerDay: perDay, lemonPerDay: perDay };
  const lemonFailures = failureShare * perDay;
  const reserve = nodeShare - lemonFailures * (1 - nodeShare) * meanRepairDays(model);
  if (!(reserve > 0)) {
    throw new RangeError(
      `lemons.failureShare: expected less: repaired for ${(meanRepairDays(model) * 24).toFixed(1)} h each time, ${nodeShare * 100} % of the nodes cannot have ${failureShare * 100} % of ${model.failuresPerThousandNodeDays} failures per 1,000 node-days`,
    );
  }
  const lemonPerDay = lemonFailures / reserve;
  const serviceShare = nodeShare / (1 + lemonPerDay * meanRepairDays(model));
  // The healthy have the rest of the failures over all node-days in service.
  const healthyPerDay = ((1 - failureShare) * perDay * (serviceShare + 1 - nodeShare)) / (1 - nodeShare);
  return { healthyPerDay, lemonPerDay };
}

/** Of a failure that ends jobs, in days. */
function meanRepairDays({ components, repair }: FailureModel): number {
  let hours = 0;
  for (const component of NODE_COMPONENTS) {
    const { share, replacementShare } = components[component];
    hours +=
      share * (replacementShare * meanHours(repair.replacement) + (1 - replacementShare) * meanHours(repair.reset));
  }
  return hours / 24;
}

/** By what regimes raise the mean rate over `regimeDays`. */
export function meanRegimeFactor({ components, regimes, regimeDays }: FailureModel): number {
  let factor = 1;
  for (const regime of regimes) {
    const days = Math.max(0, Math.min(regime.toDay, regimeDays) - Math.max(regime.fromDay, 0));
    factor += (components[regime.component].share * (regime.factor - 1) * days) / regimeDays;
  }
  return factor;
}
