import {
  type GangNeed,
  isOpen,
  isPreferredVictim,
  type SpareNode,
  type VictimCandidate,
  type VictimChoice,
  VictimSearch,
} from './preemption.ts';

/** A search among candidates in any order; victims are their indices. `search`: one that was used before serves as well as a new one. */
export function chooseVictims(
  candidates: readonly VictimCandidate[],
  nodes: readonly SpareNode[],
  need: GangNeed,
  isYoungestFirst: boolean,
  search = new VictimSearch(),
): VictimChoice<number> | null {
  const open = nodes.flatMap((node, index) => (isOpen(node, need, index) ? [index] : []));
  const inOrder = [...candidates].sort((a, b) => (isPreferredVictim(a, b, isYoungestFirst) ? -1 : 1));
  const choice = search.chooseInOrder({ take: () => inOrder.shift() }, nodes, need, open);
  if ('missingNodes' in choice) return null;
  const indexOf = new Map(candidates.map((candidate, index) => [candidate, index]));
  return { ...choice, victims: choice.victims.map((victim) => indexOf.get(victim) ?? -1) };
}

/** The nodes on which one rank of the gang fits once `gone` are gone, each node counted up on its own. */
export function naiveFitting(gone: readonly VictimCandidate[], spare: readonly SpareNode[], need: GangNeed): number[] {
  const nodes: number[] = [];
  for (const [node, { spareGpus, spareCpus, spareMemoryBytes, spareJobs, isGivable }] of spare.entries()) {
    const left = gone.filter(({ nodeIndices }) => nodeIndices.includes(node));
    const sum = (of: (job: VictimCandidate) => number) => left.reduce((total, job) => total + of(job), 0);
    const isEmpty = spareJobs - left.length === 0;
    const isEnough =
      spareGpus + sum((job) => job.perNode.gpus) >= need.perNode.gpus &&
      spareCpus + sum((job) => job.perNode.cpus) >= need.perNode.cpus &&
      spareMemoryBytes + sum((job) => job.perNode.memoryBytes) >= need.perNode.memoryBytes;
    if (isGivable && (need.isExclusive ? isEmpty : isEnough)) nodes.push(node);
  }
  return nodes;
}

/** Slurm's order of preference, as sorting by text would give it. */
export function naiveOrder(candidates: readonly VictimCandidate[], isYoungestFirst: boolean): number[] {
  const keyOf = ({ preemptionPriority, nodeIndices, startMs, jobId }: VictimCandidate) =>
    (isYoungestFirst ? [1e9 - startMs, jobId] : [preemptionPriority, nodeIndices.length, jobId])
      .map((value) => String(value).padStart(12, '0'))
      .join();
  const keys = candidates.map(keyOf);
  return keys.map((_, index) => index).sort((a, b) => ((keys[a] ?? '') < (keys[b] ?? '') ? -1 : 1));
}

/** How many candidates, in order, have to go until the gang fits; null where all are not enough. */
export function naivePrefix(
  candidates: readonly VictimCandidate[],
  order: readonly number[],
  spare: readonly SpareNode[],
  need: GangNeed,
): number | null {
  for (let count = 0; count <= order.length; count++) {
    const gone = order.slice(0, count).flatMap((index) => candidates[index] ?? []);
    if (naiveFitting(gone, spare, need).length >= need.nodes) return count;
  }
  return null;
}
