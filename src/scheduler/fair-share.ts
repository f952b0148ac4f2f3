import { assert, definite } from '../lib/assert.ts';
import { ZERO_MS } from '../lib/zero-ms.ts';
import { AccountTree, type AccountNode, type Association } from './account-tree.ts';
import type { AccountPolicy, PriorityPolicy, UserPolicy } from './policy.ts';
import type { ShareView } from './types.ts';

export interface FairSharePolicy {
  readonly accounts: readonly AccountPolicy[];
  readonly users: readonly UserPolicy[];
  readonly priority: Pick<PriorityPolicy, 'fairshareAlgorithm' | 'decayHalfLifeSeconds'>;
}

/**
 * Slurm's fair-share factor of each association (a user in an account), from how much it was promised and how much it used. The use of a
 * running attempt is its billing (GPUs, or CPUs where the job has none) times the usage factor of its QOS, a second, and fades by half in
 * each half-life. Slurm adds it up in steps of `PriorityCalcPeriod`; here it is the exact integral, so the result does not depend on when
 * `recalculate` is called. Factors change there only: in between, jobs keep their order.
 */
export class FairShare {
  readonly #tree: AccountTree;
  readonly #algorithm: PriorityPolicy['fairshareAlgorithm'];
  /** Of the decay, per second; 0: nothing fades. */
  readonly #lambda: number;
  #calculatedMs = ZERO_MS;
  /** The last step that the decay was worked out for: between two calculations most associations are idle and share it. */
  #stepSeconds = 0;
  #stepFactor = 1;

  /** Throws a RangeError where the accounts are no tree or shares are negative. */
  constructor(policy: FairSharePolicy) {
    this.#tree = new AccountTree(policy.accounts, policy.users);
    this.#algorithm = policy.priority.fairshareAlgorithm;
    const halfLife = policy.priority.decayHalfLifeSeconds;
    this.#lambda = halfLife > 0 ? Math.LN2 / halfLife : 0;
    this.recalculate(0);
  }

  /** When the factors were worked out last. */
  get calculatedMs(): number {
    return this.#calculatedMs;
  }

  /**
   * The index of a user in an account, for all other calls. An account that the policy does not name hangs right below the root with one
   * share, a user that it does not name has one share of the account. Until the next calculation the factor of a new one is 1.
   */
  association(account: string, user: string): number {
    return this.#tree.associationIndex(account, user, this.#calculatedMs);
  }

  /** An attempt starts to run. `rate`: billing times usage factor, >= 0. */
  begin(index: number, rate: number, atMs: number): void {
    assert(rate >= 0, 'a usage rate is not negative');
    const association = this.#at(index);
    this.#settle(association, atMs);
    association.running += 1;
    association.rate += rate;
  }

  /** An attempt ends that `begin` was told with the same rate. */
  end(index: number, rate: number, atMs: number): void {
    const association = this.#at(index);
    assert(association.running > 0, 'an attempt that ends has begun');
    this.#settle(association, atMs);
    association.running -= 1;
    // Not the difference: sums of fractions would leave a residue that is charged for ever.
    association.rate = association.running === 0 ? 0 : Math.max(0, association.rate - rate);
  }

  /** Was used besides, with what faded until `atMs` taken off. */
  carry(index: number, billingSeconds: number, atMs: number): void {
    assert(billingSeconds >= 0, `use is not negative, got ${billingSeconds}`);
    const association = this.#at(index);
    this.#settle(association, atMs);
    association.usage += billingSeconds;
  }

  /** Factors in force, by association, that others have worked out at `calculatedMs`. */
  takeOver(factors: ReadonlyMap<number, number>, calculatedMs: number): void {
    for (const [index, factor] of factors) this.#at(index).factor = factor;
    this.#calculatedMs = calculatedMs;
  }

  /** All users, in the order in which they were first named, as of the last calculation. */
  shares(): ShareView[] {
    const { associations } = this.#tree;
    const all = associations.reduce((sum, { usage }) => sum + usage, 0);
    return associations.map((association) => ({
      account: association.parent.name,
      user: association.name,
      billingSeconds: association.usage,
      share: promisedShare(association),
      use: all === 0 ? 0 : association.usage / all,
      factor: association.factor,
    }));
  }

  /** In billing seconds, with what faded taken off, as of the last time the association was looked at. */
  usage(index: number): number {
    return this.#at(index).usage;
  }

  /** In [0, 1], as of the last calculation. */
  factor(index: number): number {
    return this.#at(index).factor;
  }

  /** Brings the use up to `nowMs` and works out all factors. */
  recalculate(nowMs: number): void {
    const { root, accounts, associations } = this.#tree;
    this.#calculatedMs = nowMs;
    for (const account of accounts) account.usage = 0;
    for (const association of associations) {
      this.#settle(association, nowMs);
      association.parent.usage += association.usage;
    }
    // Parents come before their children in the list.
    for (let index = accounts.length - 1; index > 0; index--) {
      const account = definite(accounts[index], 'in range');
      if (account.parent !== null) account.parent.usage += account.usage;
    }
    if (this.#algorithm === 'fair_tree') rankFairTree(root, associations.length);
    else calculateClassic(root, root.usage);
  }

  #at(index: number): Association {
    return definite(this.#tree.associations[index], 'an association has an index');
  }

  /** u' = u e^(-l t) + r (1 - e^(-l t)) / l: the integral of a constant rate that fades as it is added. */
  #settle(association: Association, atMs: number): void {
    const seconds = (atMs - association.settledMs) / 1000;
    // Less than 0 where a live clock was set back: nothing is counted twice.
    if (seconds <= 0) return;
    association.settledMs = atMs;
    const { usage, rate } = association;
    if (usage === 0 && rate === 0) return;
    if (this.#lambda === 0) {
      association.usage = usage + rate * seconds;
      return;
    }
    if (seconds !== this.#stepSeconds) {
      this.#stepSeconds = seconds;
      this.#stepFactor = -Math.expm1(-this.#lambda * seconds);
    }
    const faded = this.#stepFactor;
    association.usage = usage - usage * faded + (rate * faded) / this.#lambda;
  }
}

/**
 * Slurm's Fair Tree (fair_tree.html; Cox and Morrison 2014): siblings are ranked by level fair-share = share / use among them, and the
 * tree is walked depth first, best first; the factor of a user is its rank from the end over the number of users. Sibling accounts with
 * the same value are merged before their children are ranked; users with the same value share a rank, also with the best user of an
 * account of that value.
 */
function rankFairTree(root: AccountNode, userCount: number): void {
  /** What a user gets that ties with the one before, and what the next gets that does not. */
  const ranks = { tied: userCount, next: userCount };
  walk(root.children, false);

  function walk(siblings: TreeNode[], isTiedAtFirst: boolean): void {
    rankNearlySorted(siblings);
    let previous = -1;
    for (let index = 0; index < siblings.length; index++) {
      const node = definite(siblings[index], 'in range');
      const isTied = index === 0 ? isTiedAtFirst : previous === node.levelFairShare;
      previous = node.levelFairShare;
      if (node.kind === 'association') {
        if (!isTied) ranks.tied = ranks.next;
        node.factor = ranks.tied / userCount;
        ranks.next -= 1;
        continue;
      }
      let end = index + 1;
      while (end < siblings.length && siblings[end]?.levelFairShare === previous) end++;
      if (end === index + 1) walk(node.children, isTied);
      else {
        const merged = siblings
          .slice(index, end)
          .flatMap((sibling) => (sibling.kind === 'account' ? sibling.children : []));
        walk(merged, isTied);
      }
      index = end - 1;
    }
  }
}

type TreeNode = AccountNode | Association;

/** The product of its shares among siblings, up to the root. */
function promisedShare({ shares, parent }: TreeNode): number {
  if (parent === null) return 1;
  return parent.childShares === 0 ? 0 : (shares / parent.childShares) * promisedShare(parent);
}

/** No shares: lowest of all; shares and no use: highest of all (LF = S / U in Slurm's words). */
function levelFairShare(node: TreeNode): number {
  if (node.shares === 0) return 0;
  const parent = definite(node.parent, 'only the root has none');
  const use = parent.usage === 0 ? 0 : node.usage / parent.usage;
  return node.shares / parent.childShares / use;
}

function comesBefore(a: TreeNode, b: TreeNode): boolean {
  if (a.levelFairShare !== b.levelFairShare) return a.levelFairShare > b.levelFairShare;
  if (a.kind !== b.kind) return a.kind === 'association';
  return a.index < b.index;
}

/** By insertion: between two calculations the order changes little, since all use fades alike. */
function rankNearlySorted(nodes: TreeNode[]): void {
  let last = Infinity;
  for (let index = 0; index < nodes.length; index++) {
    const node = nodes[index]!;
    const level = levelFairShare(node);
    node.levelFairShare = level;
    if (last > level) {
      last = level;
      continue;
    }
    let slot = index;
    for (; slot > 0 && comesBefore(node, nodes[slot - 1]!); slot--) nodes[slot] = nodes[slot - 1]!;
    nodes[slot] = node;
    last = nodes[index]!.levelFairShare;
  }
}

/**
 * Slurm's classic factor (classic_fair_share.html): 2^(-UE/S). S is the product of the shares down the tree, UE the effective use: what
 * was used of all, where the parent is the root; below it UA + (UE of the parent - UA) * share among siblings.
 */
function calculateClassic(root: AccountNode, usageOfAll: number): void {
  walk(root, 1, 0);

  function walk(parent: AccountNode, parentShare: number, parentUse: number): void {
    for (const node of parent.children) {
      const part = parent.childShares === 0 ? 0 : node.shares / parent.childShares;
      const share = parentShare * part;
      const actual = usageOfAll === 0 ? 0 : node.usage / usageOfAll;
      let use = actual;
      if (parent !== root) use = parent.childShares === 0 ? parentUse : actual + (parentUse - actual) * part;
      if (node.kind === 'account') walk(node, share, use);
      else node.factor = share <= 0 ? 0 : 2 ** (-use / share);
    }
  }
}
