import { type AccountTree, ROOT } from './account-tree.ts';

/** What a user gets that ties with the one before, and what the next gets that does not. */
interface Ranks {
  tied: number;
  next: number;
}

/** Slurm's of an account without shares of its own (NO_VAL in fair_tree.c): there is nobody below it, but it may part others that tie. */
const EMPTY_ACCOUNT = 0xffff_fffe;

/**
 * Slurm's Fair Tree (fair_tree.html; Cox and Morrison 2014): siblings are ranked by level fair-share = share / use among them, and the
 * tree is walked depth first, best first; the factor of a user is its rank from the end over the number of users. Sibling accounts with
 * the same value are merged before their children are ranked; users with the same value share a rank, also with the best user of an
 * account of that value. Users without shares of their own have the highest value of all.
 */
export function rankFairTree(tree: AccountTree): void {
  const userCount = tree.associations.length;
  walk(tree, tree.children[ROOT] ?? [], false, { tied: userCount, next: userCount });
}

function walk(tree: AccountTree, siblings: number[], isTiedAtFirst: boolean, ranks: Ranks): void {
  const { level, factor } = tree;
  const userCount = tree.associations.length;
  rankNearlySorted(tree, siblings);
  let previous = -1;
  for (let index = 0; index < siblings.length; index++) {
    const row = siblings[index]!;
    const isTied = index === 0 ? isTiedAtFirst : previous === level[row];
    previous = level[row]!;
    if (!tree.isAccount(row)) {
      if (!isTied) ranks.tied = ranks.next;
      factor[row] = ranks.tied / userCount;
      ranks.next -= 1;
      continue;
    }
    let end = index + 1;
    while (end < siblings.length && level[siblings[end]!] === previous) end++;
    const children =
      end === index + 1 ? tree.children[row]! : siblings.slice(index, end).flatMap((one) => tree.children[one] ?? []);
    walk(tree, children, isTied, ranks);
    index = end - 1;
  }
}

/** By insertion: between two calculations the order changes little, since all use fades alike. */
function rankNearlySorted(tree: AccountTree, rows: number[]): void {
  const { level, shares, shareOfParent, usage, shareParents } = tree;
  let last = Infinity;
  for (let index = 0; index < rows.length; index++) {
    const row = rows[index]!;
    // No shares: lowest of all; shares and no use: highest of all (LF = S / U in Slurm's words).
    let ofRow = 0;
    if (tree.isOfParent(row)) ofRow = tree.isAccount(row) ? EMPTY_ACCOUNT : Infinity;
    else if (shares[row] !== 0) {
      const parent = shareParents[row]!;
      const use = usage[parent] === 0 ? 0 : usage[row]! / usage[parent]!;
      ofRow = shareOfParent[row]! / use;
    }
    level[row] = ofRow;
    if (last > ofRow) {
      last = ofRow;
      continue;
    }
    let slot = index;
    for (; slot > 0 && comesBefore(tree, row, rows[slot - 1]!); slot--) rows[slot] = rows[slot - 1]!;
    rows[slot] = row;
    last = level[rows[index]!]!;
  }
}

/** Of equals users come before accounts, and who was there first before who came later. */
function comesBefore(tree: AccountTree, a: number, b: number): boolean {
  const levelOfA = tree.level[a]!;
  const levelOfB = tree.level[b]!;
  if (levelOfA !== levelOfB) return levelOfA > levelOfB;
  const isAccount = tree.isAccount(a);
  if (isAccount !== tree.isAccount(b)) return !isAccount;
  return a < b;
}
