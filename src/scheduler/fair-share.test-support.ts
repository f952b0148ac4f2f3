import type { FairSharePolicy } from './fair-share.ts';
import type { Shares } from './qos-and-accounts.ts';

export interface Attempt {
  account: string;
  user: string;
  rate: number;
  startMs: number;
  /** Null: it still runs. */
  endMs: number | null;
}

/** What attempts used by `nowMs`, faded: the closed form of each one's integral, added up. */
export function naiveUsage(attempts: readonly Attempt[], halfLifeSeconds: number, nowMs: number): number {
  let usage = 0;
  for (const { rate, startMs, endMs } of attempts) {
    const fromSeconds = (nowMs - startMs) / 1000;
    const toSeconds = (nowMs - (endMs ?? nowMs)) / 1000;
    if (halfLifeSeconds === 0) usage += rate * (fromSeconds - toSeconds);
    else {
      const faded = 2 ** (-toSeconds / halfLifeSeconds) - 2 ** (-fromSeconds / halfLifeSeconds);
      usage += (rate * faded * halfLifeSeconds) / Math.LN2;
    }
  }
  return usage;
}

interface NaiveUser {
  account: string;
  user: string;
  usage: number;
  shares: Shares;
}

/** Shares and use of an account and all below it, looked up anew each time. */
class NaiveTree {
  readonly policy: FairSharePolicy;
  readonly users: readonly NaiveUser[];

  constructor(policy: FairSharePolicy, users: readonly NaiveUser[]) {
    this.policy = policy;
    this.users = users;
  }

  /** From below the root down to the account; without the root itself. */
  path(account: string): string[] {
    if (account === 'root') return [];
    const parent = this.policy.accounts.find(({ name }) => name === account)?.parent;
    return [...this.path(parent ?? 'root'), account];
  }

  /** The next account above that has shares of its own: with whose children it shares. */
  parentOf(account: string): string {
    return this.sharing(this.path(account).at(-2) ?? 'root');
  }

  /** The account itself, or where it has no shares of its own, the next above that has. */
  sharing(account: string): string {
    return account !== 'root' && this.sharesOf(account) === 'parent' ? this.parentOf(account) : account;
  }

  /** As `path`, without those that have no shares of their own. */
  sharingPath(account: string): string[] {
    return this.path(account).filter((name) => this.sharesOf(name) !== 'parent');
  }

  sharesOf(account: string): Shares {
    return this.policy.accounts.find(({ name }) => name === account)?.shares ?? 1;
  }

  usageOf(account: string): number {
    const below = this.users.filter((user) => account === 'root' || this.path(user.account).includes(account));
    return below.reduce((sum, { usage }) => sum + usage, 0);
  }

  childSharesOf(account: string): number {
    const names = new Set([...this.policy.accounts.map(({ name }) => name), ...this.users.map((user) => user.account)]);
    names.delete('root');
    const accounts = [...names].filter((name) => this.parentOf(name) === account);
    const users = this.users.filter((user) => this.sharing(user.account) === account);
    const all = [...accounts.map((name) => this.sharesOf(name)), ...users.map(({ shares }) => shares)];
    return all.reduce<number>((sum, shares) => sum + (shares === 'parent' ? 0 : shares), 0);
  }
}

/** Comes after all users in the order. */
const NO_USER = Number.MAX_SAFE_INTEGER;

/**
 * Fair Tree without a tree: each user is the list of level fair-share values from the root down to it. Lists are put in order, higher
 * values first and a list before those that go on from it; a user has the rank of the one before if that one's list begins its own.
 * Accounts take part with their lists but get no rank: an empty one that comes between two users parts them, as in Slurm.
 */
export function naiveFairTree(policy: FairSharePolicy, users: readonly NaiveUser[]): number[] {
  const tree = new NaiveTree(policy, users);
  const level = (shares: Shares, usage: number, parent: string) => {
    if (shares === 0) return 0;
    if (shares === 'parent') return Infinity;
    const usageOfParent = tree.usageOf(parent);
    return shares / tree.childSharesOf(parent) / (usageOfParent === 0 ? 0 : usage / usageOfParent);
  };
  const listOf = (account: string) =>
    tree.sharingPath(account).map((name) => level(tree.sharesOf(name), tree.usageOf(name), tree.parentOf(name)));
  const entries: { list: number[]; userIndex: number }[] = policy.accounts.map(({ name, shares }) => {
    // Nobody is below one without shares of its own: it stands where Slurm puts it.
    const list = shares === 'parent' ? [...listOf(name), 2 ** 32 - 2] : listOf(name);
    return { list, userIndex: NO_USER };
  });
  for (const [userIndex, { account, shares, usage }] of users.entries()) {
    entries.push({ list: [...listOf(account), level(shares, usage, tree.sharing(account))], userIndex });
  }
  entries.sort((a, b) => compareLists(a.list, b.list) || a.userIndex - b.userIndex);
  const factors: number[] = [];
  let rank = users.length;
  let next = users.length;
  let before: readonly number[] | null = null;
  for (const { list, userIndex } of entries) {
    if (before === null || !before.every((value, depth) => list[depth] === value)) rank = next;
    if (userIndex !== NO_USER) {
      factors[userIndex] = rank / users.length;
      next -= 1;
    }
    before = list;
  }
  return factors;
}

function compareLists(a: readonly number[], b: readonly number[]): number {
  for (const [depth, value] of a.entries()) {
    const other = b[depth];
    if (other === undefined) return 1;
    if (value !== other) return value > other ? -1 : 1;
  }
  return a.length - b.length;
}

/** 2^(-UE/S), effective use by recursion from the account up. */
export function naiveClassic(policy: FairSharePolicy, users: readonly NaiveUser[]): number[] {
  const tree = new NaiveTree(policy, users);
  const all = tree.usageOf('root');
  const part = (shares: Shares, parent: string) => {
    const sum = tree.childSharesOf(parent);
    return sum === 0 || shares === 'parent' ? 0 : shares / sum;
  };
  const normShares = (account: string): number =>
    account === 'root' ? 1 : normShares(tree.parentOf(account)) * part(tree.sharesOf(account), tree.parentOf(account));
  const effective = (shares: Shares, usage: number, parent: string): number => {
    const actual = all === 0 ? 0 : usage / all;
    if (parent === 'root') return actual;
    const ofParent = effective(tree.sharesOf(parent), tree.usageOf(parent), tree.parentOf(parent));
    if (tree.childSharesOf(parent) === 0) return ofParent;
    return actual + (ofParent - actual) * part(shares, parent);
  };
  const factor = (use: number, norm: number) => (norm <= 0 ? 0 : 2 ** (-use / norm));
  return users.map(({ account, shares, usage }) => {
    const sharing = tree.sharing(account);
    if (shares !== 'parent')
      return factor(effective(shares, usage, sharing), normShares(sharing) * part(shares, sharing));
    if (sharing === 'root') return 0.5;
    return factor(
      effective(tree.sharesOf(sharing), tree.usageOf(sharing), tree.parentOf(sharing)),
      normShares(sharing),
    );
  });
}
