import type { AccountPolicy, UserPolicy } from './policy.ts';

/** Name of the account that all others hang below; as in Slurm, users may belong to it directly. */
const ROOT_ACCOUNT = 'root';

interface Member {
  readonly name: string;
  readonly index: number;
  readonly shares: number;
  /** In billing seconds, with what faded taken off. */
  usage: number;
  levelFairShare: number;
}

export interface AccountNode extends Member {
  readonly kind: 'account';
  readonly parent: AccountNode | null;
  readonly children: (AccountNode | Association)[];
  /** Sum of the shares of its children. */
  childShares: number;
  readonly associations: Map<string, Association>;
}

/** A user in an account. */
export interface Association extends Member {
  readonly kind: 'association';
  readonly parent: AccountNode;
  factor: number;
  /** Attempts that run now, and what they use a second together. */
  running: number;
  rate: number;
  /** Up to when `usage` is counted. */
  settledMs: number;
}

/** Accounts and their users, as Slurm's association tree. Grows with the accounts and users that jobs name. */
export class AccountTree {
  readonly root: AccountNode;
  /** Every account after its parent; the root first. */
  readonly accounts: AccountNode[] = [];
  readonly associations: Association[] = [];
  readonly #accountsByName = new Map<string, AccountNode>();

  /** Throws a RangeError where a parent is unknown, accounts go round in a circle, a name comes twice or shares are negative. */
  constructor(accounts: readonly AccountPolicy[], users: readonly UserPolicy[]) {
    this.root = this.#addAccount(ROOT_ACCOUNT, null, 1);
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
      if (parent.associations.has(name)) throw new RangeError(`user ${name}: comes twice in account ${account}`);
      this.#addAssociation(name, parent, shares ?? 1, 0);
    }
  }

  associationIndex(account: string, user: string, nowMs: number): number {
    const parent = this.#accountsByName.get(account) ?? this.#addAccount(account, this.root, 1);
    return (parent.associations.get(user) ?? this.#addAssociation(user, parent, 1, nowMs)).index;
  }

  #addWithParents(first: AccountPolicy, policies: ReadonlyMap<string, AccountPolicy>): void {
    const path: AccountPolicy[] = [];
    let policy: AccountPolicy = first;
    let parent = this.root;
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
    for (const { name, shares } of path.reverse()) parent = this.#addAccount(name, parent, shares ?? 1);
  }

  #addAccount(name: string, parent: AccountNode | null, shares: number): AccountNode {
    const account: AccountNode = {
      kind: 'account',
      name,
      index: this.accounts.length,
      parent,
      shares,
      children: [],
      childShares: 0,
      associations: new Map(),
      usage: 0,
      levelFairShare: 0,
    };
    this.accounts.push(account);
    this.#accountsByName.set(name, account);
    if (parent !== null) adopt(parent, account);
    return account;
  }

  #addAssociation(name: string, parent: AccountNode, shares: number, nowMs: number): Association {
    const association: Association = {
      kind: 'association',
      name,
      index: this.associations.length,
      parent,
      shares,
      usage: 0,
      levelFairShare: 0,
      factor: 1,
      running: 0,
      rate: 0,
      settledMs: nowMs,
    };
    this.associations.push(association);
    parent.associations.set(name, association);
    adopt(parent, association);
    return association;
  }
}

function adopt(parent: AccountNode, child: AccountNode | Association): void {
  if (!(child.shares >= 0))
    throw new RangeError(`shares of ${child.name}: expected a number >= 0, got ${child.shares}`);
  parent.children.push(child);
  parent.childShares += child.shares;
}
