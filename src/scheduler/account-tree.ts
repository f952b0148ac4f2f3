import type { AccountPolicy, Shares, UserPolicy } from './qos-and-accounts.ts';

/** Name of the account that all others hang below; as in Slurm, users may belong to it directly. */
const ROOT_ACCOUNT = 'root';

/** The row of the root account; it has no parent. */
export const ROOT = 0;

/** In the column of shares: it has none of its own (`Fairshare=parent`). */
const OF_PARENT = -1;

const FIRST_CAPACITY = 64;

/**
 * Accounts and their users, as Slurm's association tree. Grows with the accounts and users that jobs name. Each has a row, under which what is asked of
 * all of them every few minutes of a run stands in columns. An association is a user in an account.
 */
export class AccountTree {
  /** Rows of accounts, every one after its parent. */
  readonly accounts: number[] = [];
  /** Rows of associations, in the order in which they came. */
  readonly associations: number[] = [];
  /** By row. */
  readonly names: string[] = [];
  /** By row: rows of what shares with each other right below an account. Empty for an association. */
  readonly children: number[][] = [];
  /** By row; -1 for the root. */
  parents = new Int32Array(FIRST_CAPACITY);
  /** The same: below which account it shares. As in Slurm, whatever is below one without shares of its own shares with the siblings of that. */
  shareParents = new Int32Array(FIRST_CAPACITY);
  shares = new Float64Array(FIRST_CAPACITY);
  /** Sum of the shares of the children. */
  childShares = new Float64Array(FIRST_CAPACITY);
  /** In billing seconds, with what faded taken off. */
  usage = new Float64Array(FIRST_CAPACITY);
  /** Up to when the usage of an association is counted. */
  settledMs = new Float64Array(FIRST_CAPACITY);
  /** What the attempts of an association that run now use a second together, and how many they are. */
  rate = new Float64Array(FIRST_CAPACITY);
  running = new Int32Array(FIRST_CAPACITY);
  level = new Float64Array(FIRST_CAPACITY);
  factor = new Float64Array(FIRST_CAPACITY);
  /**
   * What each was promised of what it shares, once `settleShares` was called: 0 where none of its siblings has any, and all of it where it has no shares
   * of its own.
   */
  shareOfParent = new Float64Array(FIRST_CAPACITY);
  #areSharesSettled = false;
  #isAccount = new Uint8Array(FIRST_CAPACITY);
  readonly #accountsByName = new Map<string, number>();
  /** By the row of the account. */
  readonly #users = new Map<number, Map<string, number>>();

  /** Throws a RangeError where a parent is unknown, accounts go round in a circle, a name comes twice or shares are negative. */
  constructor(accounts: readonly AccountPolicy[], users: readonly UserPolicy[]) {
    this.#addAccount(ROOT_ACCOUNT, -1, 1);
    const policies = new Map<string, AccountPolicy>();
    for (const policy of accounts) {
      if (policy.name === ROOT_ACCOUNT || policies.has(policy.name)) {
        throw new RangeError(`account ${policy.name}: expected each name once, and not ${ROOT_ACCOUNT}`);
      }
      policies.set(policy.name, policy);
    }
    for (const policy of accounts) this.#addWithParents(policy, policies);
    for (const { name, account, shares } of users) {
      const parent = this.#accountsByName.get(account);
      if (parent === undefined) throw new RangeError(`user ${name}: no account ${account}`);
      if (this.#users.get(parent)?.has(name) === true)
        throw new RangeError(`user ${name}: comes twice in account ${account}`);
      this.#addAssociation(name, parent, shares, 0);
    }
  }

  /** The row of a user in an account. */
  association(account: string, user: string, nowMs: number): number {
    const parent = this.#accountsByName.get(account) ?? this.#addAccount(account, ROOT, 1);
    return this.#users.get(parent)?.get(user) ?? this.#addAssociation(user, parent, 1, nowMs);
  }

  /** Whether it has no shares of its own. */
  isOfParent(row: number): boolean {
    return this.shares[row] === OF_PARENT;
  }

  isAccount(row: number): boolean {
    return this.#isAccount[row] === 1;
  }

  /** Whoever comes makes the shares of all its siblings smaller: they are divided once for all who came. */
  settleShares(): void {
    if (this.#areSharesSettled) return;
    this.#areSharesSettled = true;
    const { shares, childShares, shareParents, shareOfParent } = this;
    for (let row = ROOT + 1; row < this.names.length; row++) {
      const all = childShares[shareParents[row]!]!;
      shareOfParent[row] = shares[row] === OF_PARENT ? 1 : all === 0 ? 0 : shares[row]! / all;
    }
  }

  #addWithParents(first: AccountPolicy, policies: ReadonlyMap<string, AccountPolicy>): void {
    const path: AccountPolicy[] = [];
    let policy: AccountPolicy = first;
    let parent = ROOT;
    while (!this.#accountsByName.has(policy.name)) {
      if (path.includes(policy)) throw new RangeError(`account ${first.name}: its parents go round in a circle`);
      path.push(policy);
      const name = policy.parent ?? ROOT_ACCOUNT;
      const known = this.#accountsByName.get(name);
      if (known !== undefined) {
        parent = known;
        break;
      }
      const next = policies.get(name);
      if (next === undefined) throw new RangeError(`account ${policy.name}: no account ${name} to hang below`);
      policy = next;
    }
    for (const { name, shares } of path.reverse()) parent = this.#addAccount(name, parent, shares);
  }

  #addAccount(name: string, parent: number, shares: Shares | undefined): number {
    const row = this.#add(name, parent, shares, true);
    this.accounts.push(row);
    this.#accountsByName.set(name, row);
    this.#users.set(row, new Map());
    return row;
  }

  #addAssociation(name: string, parent: number, shares: Shares | undefined, nowMs: number): number {
    const row = this.#add(name, parent, shares, false);
    this.factor[row] = 1;
    this.settledMs[row] = nowMs;
    this.associations.push(row);
    this.#users.get(parent)?.set(name, row);
    return row;
  }

  #add(name: string, parent: number, shares: Shares = 1, isAccount: boolean): number {
    if (shares !== 'parent' && !(shares >= 0))
      throw new RangeError(`shares of ${name}: expected a number >= 0, got ${shares}`);
    const row = this.names.length;
    if (row === this.parents.length) this.#grow();
    this.names.push(name);
    this.children.push([]);
    this.#isAccount[row] = isAccount ? 1 : 0;
    this.parents[row] = parent;
    this.shares[row] = shares === 'parent' ? OF_PARENT : shares;
    const shareParent = parent >= 0 && this.isOfParent(parent) ? this.shareParents[parent]! : parent;
    this.shareParents[row] = shareParent;
    if (shareParent >= 0) {
      this.children[shareParent]?.push(row);
      if (shares !== 'parent') this.childShares[shareParent]! += shares;
    }
    this.#areSharesSettled = false;
    return row;
  }

  #grow(): void {
    const size = 2 * this.parents.length;
    const grown = (column: Float64Array) => {
      const copy = new Float64Array(size);
      copy.set(column);
      return copy;
    };
    const { parents, shareParents, running } = this;
    const isAccount = this.#isAccount;
    this.#isAccount = new Uint8Array(size);
    this.#isAccount.set(isAccount);
    this.parents = new Int32Array(size);
    this.parents.set(parents);
    this.shareParents = new Int32Array(size);
    this.shareParents.set(shareParents);
    this.running = new Int32Array(size);
    this.running.set(running);
    this.shares = grown(this.shares);
    this.childShares = grown(this.childShares);
    this.shareOfParent = grown(this.shareOfParent);
    this.usage = grown(this.usage);
    this.settledMs = grown(this.settledMs);
    this.rate = grown(this.rate);
    this.level = grown(this.level);
    this.factor = grown(this.factor);
  }
}
