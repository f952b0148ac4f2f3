import { parseMemoryBytes } from '../../../lib/units.ts';

/** A limit and what is used of it, as `4(3)`; null where there is none (`N`) or Slurm gives no use. Memory in bytes. */
export interface LimitUse {
  limit: number | null;
  used: number | null;
}

/** Limits by Slurm's name: `GrpJobs`, `MaxWallPJ` (minutes), and `GrpTRES gres/gpu` for each TRES of a list. */
export type Limits = ReadonlyMap<string, LimitUse>;

export interface QosLimits {
  name: string;
  limits: Limits;
  /** What each account has of it. */
  accounts: ReadonlyMap<string, Limits>;
  /** The same of users, by id. */
  users: ReadonlyMap<number, Limits>;
}

export interface AssociationLimits {
  account: string;
  /** '': the account itself. */
  user: string;
  /** Null where Slurm does not say. */
  userId: number | null;
  /** '': all partitions. */
  partition: string;
  /** The account above; '' for the root and for users. */
  parent: string;
  limits: Limits;
}

export interface AssociationManager {
  associations: readonly AssociationLimits[];
  qos: readonly QosLimits[];
}

/** Text of `scontrol show assoc_mgr` with `flags=assoc,qos`: the limits in force in slurmctld, and what is used of them now. */
export function parseAssociationManager(text: string): AssociationManager {
  const associations: AssociationLimits[] = [];
  const qos: QosLimits[] = [];
  let current = new Map<string, LimitUse>();
  let part: 'accounts' | 'users' | null = null;
  let parts = { accounts: new Map<string, Limits>(), users: new Map<number, Limits>() };
  for (const line of text.split('\n')) {
    const fields = fieldsOf(line);
    const name = /^QOS=(.*)\(\d+\)\s*$/.exec(line)?.[1];
    if (name !== undefined) {
      [current, part] = [new Map(), null];
      parts = { accounts: new Map(), users: new Map() };
      qos.push({ name, limits: current, ...parts });
      continue;
    }
    if (line.startsWith('ClusterName=')) {
      [current, part] = [new Map(), null];
      const named = (key: string) => (fields.get(key) ?? '').replace(/\(\d+\)$/, '');
      associations.push({
        account: named('Account'),
        user: named('UserName'),
        userId: idOf(fields.get('UserName') ?? ''),
        partition: named('Partition'),
        parent: '',
        limits: current,
      });
      continue;
    }
    const parent = fields.get('ParentAccount')?.replace(/\(\d+\)$/, '');
    const last = associations.at(-1);
    if (parent !== undefined && last?.limits === current) last.parent = parent;
    const heading = /^\s+(Account|User) Limits\s*$/.exec(line)?.[1];
    if (heading !== undefined) {
      part = heading === 'Account' ? 'accounts' : 'users';
    } else if (part !== null && fields.size === 0 && line.trim() !== '') {
      current = new Map();
      // `1001`, later `ann(1001)`.
      if (part === 'users') parts.users.set(Number(/(\d+)\)?\s*$/.exec(line)?.[1] ?? -1), current);
      else parts.accounts.set(line.trim(), current);
    }
    for (const [key, value] of fields) readLimit(key, value, current);
  }
  return { associations, qos };
}

/** Of `ann(1001)`. */
function idOf(user: string): number | null {
  const id = /\((\d+)\)$/.exec(user)?.[1];
  return id === undefined ? null : Number(id);
}

function fieldsOf(line: string): Map<string, string> {
  const words = line.trim().split(/\s+/);
  return new Map(
    words.flatMap((word) => {
      const at = word.indexOf('=');
      return at < 1 ? [] : [[word.slice(0, at), word.slice(at + 1)] as const];
    }),
  );
}

function readLimit(key: string, value: string, into: Map<string, LimitUse>): void {
  if (!/^(?:Grp|Max|Min)/.test(key) || value === '') return;
  if (!/TRES/.test(key)) {
    into.set(key, useOf(value, Number));
    return;
  }
  for (const entry of value.split(',')) {
    const at = entry.lastIndexOf('=');
    if (at < 1) continue;
    const tres = entry.slice(0, at);
    // Memory is in MiB; times minutes it stays so.
    const isMemory = tres === 'mem' && !/Mins/.test(key);
    into.set(
      `${key} ${tres}`,
      useOf(entry.slice(at + 1), isMemory ? (text) => parseMemoryBytes(text) ?? Number.NaN : Number),
    );
  }
}

function useOf(text: string, toNumber: (text: string) => number): LimitUse {
  const [, limit = 'N', used] = /^([^()]*)(?:\(([^()]*)\))?$/.exec(text) ?? [];
  const known = (word: string | undefined) => {
    const value = word === undefined || word === '' ? Number.NaN : toNumber(word);
    return Number.isFinite(value) ? value : null;
  };
  return { limit: limit === 'N' ? null : known(limit), used: known(used) };
}
