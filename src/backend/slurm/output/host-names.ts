import { NODES_MAX, parseHostList } from '../../../formats/host-list.ts';

/** What Slurm's commands write in the place of an empty list. */
const NOBODY = ['', '(null)', 'None assigned'];

/** Nodes of a list as Slurm's commands write it (`gpu[01-08],login1`), in its order; none for one that is no list. */
export function hostNames(list: string): string[] {
  return NOBODY.includes(list) ? [] : (parseHostList(list, NODES_MAX) ?? []);
}
