import { OrreryError } from '../../contract/errors.ts';
import {
  defaultPartition,
  type NodeReservation,
  type PartitionPolicy,
  PARTITIONS_MAX,
  type SchedulerOptions,
} from '../../scheduler/policy.ts';
import type { NodeSpec } from '../../cluster/node.ts';
import { examplesOf, type ReadingRemark } from './simulation-inputs.ts';

/**
 * The policy without partitions that no job goes to, where there are more than are told apart. Throws ORR_BAD_FILE where there still are too many.
 * `names`: those that jobs name.
 */
export function withUsedPartitions(
  options: SchedulerOptions,
  names: ReadonlySet<string>,
  policyName: string,
): { options: SchedulerOptions; remarks: ReadingRemark[] } {
  const { partitions = [] } = options;
  if (partitions.length <= PARTITIONS_MAX) return { options, remarks: [] };
  const standard = defaultPartition(partitions);
  const used = partitions.filter((partition) => partition === standard || names.has(partition.name));
  if (used.length > PARTITIONS_MAX) {
    throw new OrreryError(
      'ORR_BAD_FILE',
      `${policyName}: expected jobs in at most ${PARTITIONS_MAX} partitions, which are told apart; they name ${used.length}: leave out those with the fewest`,
    );
  }
  const what = `${partitions.length - used.length} partitions of ${policyName} are left out, since no job goes to them: no more than ${PARTITIONS_MAX} are told apart`;
  return { options: { ...options, partitions: used }, remarks: [{ what, examples: [] }] };
}

/** The policy with the scenario's own reservations beside its own. Throws ORR_BAD_FILE for a name that both have. */
export function withReservations(
  options: SchedulerOptions,
  added: readonly NodeReservation[],
  policyName: string,
): SchedulerOptions {
  const { reservations = [] } = options;
  const both = added.find(({ name }) => reservations.some((own) => own.name === name));
  if (both !== undefined) {
    throw new OrreryError(
      'ORR_BAD_FILE',
      `the scenario: reservation ${both.name}: expected a name that ${policyName} has no reservation of: give it another`,
    );
  }
  return added.length === 0 ? options : { ...options, reservations: [...reservations, ...added] };
}

/** What is said of the nodes of a policy and of the cluster that are not the same. Throws ORR_BAD_FILE. */
export function nodeRemarks(
  { partitions = [], reservations = [] }: SchedulerOptions,
  nodes: readonly NodeSpec[],
  policyName: string,
): ReadingRemark[] {
  return [...unknownNodes(partitions, reservations, nodes, policyName), ...nodesLeftOut(partitions, nodes, policyName)];
}

/**
 * Nodes of partitions and reservations that the cluster does not have, which are passed over. Throws ORR_BAD_FILE for one that has none of its
 * nodes: whoever meant another cluster, or other names.
 */
function unknownNodes(
  partitions: readonly PartitionPolicy[],
  reservations: readonly NodeReservation[],
  nodes: readonly NodeSpec[],
  policyName: string,
): ReadingRemark[] {
  const known = new Set(nodes.map(({ name }) => name));
  const named = [
    ...partitions.map(({ name, nodes: own }) => ({ what: `partition ${name}`, own: own ?? [] })),
    ...reservations.map(({ name, nodes: own }) => ({ what: `reservation ${name}`, own })),
  ];
  const found = named.flatMap(({ what, own }) => {
    const strangers = own.filter((name) => !known.has(name));
    const [first] = strangers;
    if (first === undefined) return [];
    if (strangers.length === own.length) {
      throw new OrreryError(
        'ORR_BAD_FILE',
        `${policyName}: ${what}: expected nodes of the cluster, such as ${nodes[0]?.name ?? 'none'}; it has none of ${own.length}, ${first} for one`,
      );
    }
    return [`${what}: ${strangers.length} of ${own.length}, ${first} for one`];
  });
  const what = `${policyName} names nodes that the cluster does not have`;
  return found.length === 0 ? [] : [{ what, examples: examplesOf(found, (one) => one) }];
}

/** Nodes that are in no partition: nothing ever runs on what was added to the cluster alone. */
function nodesLeftOut(
  partitions: readonly PartitionPolicy[],
  nodes: readonly NodeSpec[],
  policyName: string,
): ReadingRemark[] {
  if (partitions.length === 0 || partitions.some((partition) => partition.nodes === undefined)) return [];
  const members = new Set(partitions.flatMap((partition) => partition.nodes ?? []));
  const left = nodes.filter(({ name }) => !members.has(name));
  const [first] = left;
  if (first === undefined) return [];
  const who = left.length === 1 ? `${first.name} is` : `${left.length} nodes, ${first.name} for one, are`;
  return [{ what: `${who} in no partition of ${policyName}, and no job runs there`, examples: [] }];
}
