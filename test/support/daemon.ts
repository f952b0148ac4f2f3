import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach } from 'vitest';
import { daemonFileSchema } from '../../src/contract/api.ts';
import { createClient, type OrreryClient } from '../../src/contract/client.ts';
import { readProcesses } from './processes.ts';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

export interface RunningDaemon {
  client: OrreryClient;
  url: string;
  token: string;
  process: ChildProcess;
  /** Resolves with the exit code, or null after a signal. */
  exited: Promise<number | null>;
}

/** A home of its own, removed by `removeHome`. */
export function makeHome(): string {
  return mkdtempSync(join(tmpdir(), 'orrery-test-'));
}

export async function removeHome(home: string): Promise<void> {
  // Tasks that were killed may still be letting go of their files.
  rmSync(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  await Promise.resolve();
}

/** The built daemon as a process of its own. `env` adds to the test's environment; `wrapper` are words before it, of a program that becomes it. */
export async function startDaemon(
  home: string,
  env: Record<string, string> = {},
  args: string[] = [],
  wrapper: readonly string[] = [],
): Promise<RunningDaemon> {
  const log = openSync(join(home, 'daemon.log'), 'a');
  const [file, ...words] = [...wrapper, process.execPath, join(root, 'dist', 'daemon.js')];
  const child = spawn(file, [...words, '--home', home, '--port', '0', ...args], {
    stdio: ['ignore', log, log],
    env: { ...process.env, ...env },
  });
  closeSync(log);
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const daemonFile = join(home, 'daemon.json');
  const endMs = Date.now() + 60_000;
  while (Date.now() < endMs && child.exitCode === null && child.signalCode === null) {
    if (existsSync(daemonFile)) {
      const daemon = daemonFileSchema.parse(JSON.parse(readFileSync(daemonFile, 'utf8')));
      if (daemon.pid === child.pid) {
        const token = readFileSync(join(home, 'token'), 'utf8').trim();
        return { client: createClient({ url: daemon.url, token }), url: daemon.url, token, process: child, exited };
      }
    }
    await sleep(20);
  }
  const how = `exit ${child.exitCode}, signal ${child.signalCode}`;
  child.kill('SIGKILL');
  const tail = readFileSync(join(home, 'daemon.log'), 'utf8').split('\n').slice(-15).join('\n');
  throw new Error(`the daemon did not come up (${how}):\n${tail}`);
}

/** A home for each test and the daemon in it, both gone afterwards; the daemon may be killed and started again in between. */
export interface DaemonFixture {
  readonly home: string;
  /** Ends the one that runs, if any, with SIGKILL. */
  restart: (env?: Record<string, string>) => Promise<RunningDaemon>;
}

export function useDaemon(): DaemonFixture {
  let home = '';
  let daemon: RunningDaemon | undefined;
  const kill = async () => {
    daemon?.process.kill('SIGKILL');
    await daemon?.exited;
    daemon = undefined;
  };
  beforeEach(() => {
    home = makeHome();
  });
  afterEach(async () => {
    await kill();
    await removeHome(home);
  });
  return {
    get home() {
      return home;
    },
    restart: async (env = {}) => {
      await kill();
      daemon = await startDaemon(home, env);
      return daemon;
    },
  };
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** Polls until `condition` holds; throws with `what` after `timeoutMs`. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  timeoutMs = 60_000,
): Promise<void> {
  const endMs = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > endMs) throw new Error(`waited ${timeoutMs / 1000} s for ${what}`);
    await sleep(50);
  }
}

/** Pids of live processes whose environment has this text. */
export function processesWith(text: string): number[] {
  return readProcesses()
    .filter(({ environment }) => environment.includes(text))
    .map(({ pid }) => pid);
}
