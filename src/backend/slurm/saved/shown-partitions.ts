import { parseHostList } from '../../../formats/host-list.ts';
import type { ConfLine } from '../../../formats/slurm-conf-lines.ts';

/**
 * Partitions with the nodes that `scontrol show node` lists: it leaves out those of the future (State=FUTURE) and dynamic ones that are not there,
 * whereas a partition has them by name. What is left out is said in a note.
 */
export function withShownNodes(
  partitions: readonly ConfLine[],
  nodes: readonly ConfLine[],
  notes: string[],
): ConfLine[] {
  const shown = new Set(nodes.flatMap(({ values }) => parseHostList(values.get('nodename') ?? '') ?? []));
  return partitions.map((line) => {
    const names = parseHostList(line.values.get('nodes') ?? '');
    const hidden = names?.filter((name) => !shown.has(name) && name.toUpperCase() !== 'ALL') ?? [];
    const [first] = hidden;
    if (names === undefined || first === undefined) return line;
    const which = hidden.length === 1 ? first : `${first} and ${hidden.length - 1} more`;
    notes.push(`partition ${line.values.get('partitionname')}: nodes that scontrol show node does not list: ${which}`);
    const left = names.filter((name) => !hidden.includes(name)).join(',');
    return { ...line, values: new Map([...line.values, ['nodes', left]]) };
  });
}
