import { execFileSync, spawnSync } from 'node:child_process';
import { ensureInstalled } from './packages.ts';

/** Machines behind one cable: what runs inside reaches this machine by `hostAddress` until the cable is cut, and is reached at `address` always. */
export interface NetworkNamespace {
  /** Words before a command that is to run inside. */
  wrapper: readonly string[];
  /** Of this machine, seen from inside, over the cable that can be cut. */
  hostAddress: string;
  /** Of the inside, over a second cable that stays. */
  address: string;
  cut: () => void;
  mend: () => void;
  remove: () => void;
}

const ip = (...words: string[]) => execFileSync('ip', words, { stdio: ['ignore', 'ignore', 'pipe'] });

/** Needs root, and iproute2, which is installed on Debian; throws where either is missing. */
export function makeNetworkNamespace(): NetworkNamespace {
  ensureInstalled(['/usr/sbin/ip'], ['iproute2']);
  const name = `orrery-${process.pid}`;
  // Names of network interfaces have at most 15 characters.
  const link = (kind: string) => `o${kind}${process.pid}`;
  const net = `10.${100 + (process.pid % 100)}.${Math.floor(process.pid / 100) % 250}`;
  const remove = () => {
    for (const kind of ['c', 's']) spawnSync('ip', ['link', 'del', link(kind)], { stdio: 'ignore' });
    spawnSync('ip', ['netns', 'del', name], { stdio: 'ignore' });
  };
  remove();
  try {
    ip('netns', 'add', name);
    ip('-n', name, 'link', 'set', 'lo', 'up');
    for (const [kind, first] of [
      ['c', 0],
      ['s', 4],
    ] as const) {
      ip('link', 'add', link(kind), 'type', 'veth', 'peer', 'name', `${kind}0`, 'netns', name);
      ip('addr', 'add', `${net}.${first + 1}/30`, 'dev', link(kind));
      ip('-n', name, 'addr', 'add', `${net}.${first + 2}/30`, 'dev', `${kind}0`);
      ip('link', 'set', link(kind), 'up');
      ip('-n', name, 'link', 'set', `${kind}0`, 'up');
    }
  } catch (error) {
    remove();
    throw error;
  }
  return {
    wrapper: ['ip', 'netns', 'exec', name],
    hostAddress: `${net}.1`,
    address: `${net}.6`,
    cut: () => void ip('link', 'set', link('c'), 'down'),
    mend: () => void ip('link', 'set', link('c'), 'up'),
    remove,
  };
}
