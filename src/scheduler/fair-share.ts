import { assert } from '../lib/assert.ts';
import { ZERO_MS } from '../lib/zero-ms.ts';
import { AccountTree, ROOT } from './account-tree.ts';
import { decayRate } from './decay.ts';
import { rankFairTree } from './fair-tree.ts';
import type { AccountPolicy, UserPolicy } from './qos-and-accounts.ts';
import type { PriorityPolicy } from './policy.ts';
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
    this.#lambda = decayRate(policy.priority.decayHalfLifeSeconds);
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
    return this.#tree.association(account, user, this.#calculatedMs);
  }

  /** An attempt starts to run. `rate`: billing times usage factor, >= 0. */
  begin(index: number, rate: number, atMs: number): void {
    assert(rate >= 0, 'a usage rate is not negative');
    const { running, rate: rates } = this.#tree;
    this.#settle(index, atMs);
    running[index]! += 1;
    rates[index]! += rate;
  }

  /** An attempt ends that `begin` was told with the same rate. */
  end(index: number, rate: number, atMs: number): void {
    const { running, rate: rates } = this.#tree;
    assert(running[index]! > 0, 'an attempt that ends has begun');
    this.#settle(index, atMs);
    running[index]! -= 1;
    // Not the difference: sums of fractions would leave a residue that is charged for ever.
    rates[index] = running[index] === 0 ? 0 : Math.max(0, rates[index]! - rate);
  }

  /** Was used besides, with what faded until `atMs` taken off. */
  carry(index: number, billingSeconds: number, atMs: number): void {
    assert(billingSeconds >= 0, `use is not negative, got ${billingSeconds}`);
    this.#settle(index, atMs);
    this.#tree.usage[index]! += billingSeconds;
  }

  /** Factors in force, by association, that others have worked out at `calculatedMs`. */
  takeOver(factors: ReadonlyMap<number, number>, calculatedMs: number): void {
    for (const [index, factor] of factors) this.#tree.factor[index] = factor;
    this.#calculatedMs = calculatedMs;
  }

  /** All users, in the order in which they were first named, as of the last calculation. */
  shares(): ShareView[] {
    const { associations, usage, names, parents, factor } = this.#tree;
    this.#tree.settleShares();
    const all = associations.reduce((sum, row) => sum + usage[row]!, 0);
    return associations.map((row) => ({
      account: names[parents[row]!] ?? '',
      user: names[row] ?? '',
      billingSeconds: usage[row]!,
      share: promisedShare(this.#tree, row),
      use: all === 0 ? 0 : usage[row]! / all,
      factor: factor[row]!,
    }));
  }

  /** In billing seconds, with what faded taken off, as of the last time the association was looked at. */
  usage(index: number): number {
    return this.#tree.usage[index]!;
  }

  /** In [0, 1], as of the last calculation. */
  factor(index: number): number {
    return this.#tree.factor[index]!;
  }

  /** Brings the use up to `nowMs` and works out all factors. */
  recalculate(nowMs: number): void {
    const { accounts, associations, usage, parents } = this.#tree;
    this.#calculatedMs = nowMs;
    this.#tree.settleShares();
    for (const row of accounts) usage[row] = 0;
    for (let index = 0; index < associations.length; index++) {
      const row = associations[index]!;
      this.#settle(row, nowMs);
      usage[parents[row]!]! += usage[row]!;
    }
    // Parents come before their children in the list.
    for (let index = accounts.length - 1; index > 0; index--) {
      const row = accounts[index]!;
      usage[parents[row]!]! += usage[row]!;
    }
    if (this.#algorithm === 'fair_tree') rankFairTree(this.#tree);
    else calculateClassic(this.#tree);
  }

  /** u' = u e^(-l t) + r (1 - e^(-l t)) / l: the integral of a constant rate that fades as it is added. */
  #settle(row: number, atMs: number): void {
    const { settledMs, usage: usages, rate: rates } = this.#tree;
    const seconds = (atMs - settledMs[row]!) / 1000;
    // Less than 0 where a live clock was set back: nothing is counted twice.
    if (seconds <= 0) return;
    settledMs[row] = atMs;
    const usage = usages[row]!;
    const rate = rates[row]!;
    if (usage === 0 && rate === 0) return;
    if (this.#lambda === 0) {
      usages[row] = usage + rate * seconds;
      return;
    }
    if (seconds !== this.#stepSeconds) {
      this.#stepSeconds = seconds;
      this.#stepFactor = -Math.expm1(-this.#lambda * seconds);
    }
    const faded = this.#stepFactor;
    const kept = usage - usage * faded;
    usages[row] = rate === 0 ? kept : kept + (rate * faded) / this.#lambda;
  }
}

/** The product of its shares among siblings, up to the root. */
function promisedShare(tree: AccountTree, row: number): number {
  return row === ROOT ? 1 : tree.shareOfParent[row]! * promisedShare(tree, tree.shareParents[row]!);
}

/**
 * Slurm's classic factor (classic_fair_share.html): 2^(-UE/S). S is the product of the shares down the tree, UE the effective use: what
 * was used of all, where the parent is the root; below it UA + (UE of the parent - UA) * share among siblings. A user without shares of its own
 * has the factor of the account that it shares as: the root was promised all, and used all, as in Slurm 22.05 even where nothing is used.
 */
function calculateClassic(tree: AccountTree): void {
  const { usage, shareOfParent, childShares, children, factor } = tree;
  const usageOfAll = usage[ROOT]!;
  walk(ROOT, 1, 0);

  function walk(parent: number, parentShare: number, parentUse: number): void {
    for (const row of children[parent] ?? []) {
      if (tree.isOfParent(row)) {
        factor[row] = parent === ROOT ? factorOf(1, 1) : factorOf(parentUse, parentShare);
        continue;
      }
      const part = shareOfParent[row]!;
      const share = parentShare * part;
      const actual = usageOfAll === 0 ? 0 : usage[row]! / usageOfAll;
      let use = actual;
      if (parent !== ROOT) use = childShares[parent] === 0 ? parentUse : actual + (parentUse - actual) * part;
      if (tree.isAccount(row)) walk(row, share, use);
      else factor[row] = factorOf(use, share);
    }
  }
}

function factorOf(use: number, share: number): number {
  return share <= 0 ? 0 : 2 ** (-use / share);
}
