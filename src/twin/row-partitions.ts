import { namedPartitions } from '../scheduler/partition-names.ts';
import { partitionFinder, type PartitionPolicy } from '../scheduler/policy.ts';

/** What a row's `partition` means under a policy. */
export interface RowPartitions {
  /** Those that it names and the policy has, in its order, else the default one; undefined where the policy has none. Never empty. */
  readonly all: readonly (PartitionPolicy | undefined)[];
  /** How a request names them; undefined where none of its names is known. */
  readonly names: string | undefined;
  /** Names that the policy does not have. */
  readonly unknown: readonly string[];
}

/** Traces name the same few again and again: each text is read once. */
export function rowPartitions(policies: readonly PartitionPolicy[] = []): (names: string | null) => RowPartitions {
  const find = partitionFinder(policies);
  const known = new Map<string | null, RowPartitions>();
  return (text) => {
    let found = known.get(text);
    if (found === undefined) known.set(text, (found = read(text, find)));
    return found;
  };
}

function read(text: string | null, find: ReturnType<typeof partitionFinder>): RowPartitions {
  const names = namedPartitions(text);
  const own = names.flatMap((name) => find(name) ?? []);
  return {
    all: own.length === 0 ? [find(null)] : own,
    names: own.length === 0 ? undefined : own.map(({ name }) => name).join(','),
    unknown: names.filter((name) => find(name) === undefined),
  };
}
