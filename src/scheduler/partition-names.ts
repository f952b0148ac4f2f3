/** The partitions that `--partition=a,b` names, each once, in this order; one where none is named is the default one, undefined. */
export function partitionNames(partition: string | null | undefined): readonly (string | undefined)[] {
  if (partition === undefined || partition === null) return DEFAULT_ALONE;
  if (!partition.includes(',')) return [partition];
  const names = [...new Set(partition.split(',').map((name) => name.trim()))].filter((name) => name !== '');
  return names.length === 0 ? DEFAULT_ALONE : names;
}

/** The same without the default one: none where none is named. */
export function namedPartitions(partition: string | null | undefined): string[] {
  return partitionNames(partition).filter((name) => name !== undefined);
}

const DEFAULT_ALONE: readonly undefined[] = [undefined];
