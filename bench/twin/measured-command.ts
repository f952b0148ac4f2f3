import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { USAGE_DESCRIPTOR, type Usage } from './usage.ts';

const ROOT = join(import.meta.dirname, '..', '..');

export interface MeasuredCommand extends Usage {
  /** From the start of the process to its end. */
  wallSeconds: number;
  stdout: string;
}

/** Runs `orrery` as it was built, from start to report, and says what it took. Throws where it fails. */
export async function measureCommand(args: readonly string[]): Promise<MeasuredCommand> {
  const hook = join(import.meta.dirname, 'usage-hook.ts');
  const startedAt = performance.now();
  const child = spawn(process.execPath, ['--import', hook, join(ROOT, 'bin', 'orrery.js'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const exit = once(child, 'exit');
  const [stdout, stderr, usage] = await Promise.all([
    readAll(child.stdout),
    readAll(child.stderr),
    readAll(child.stdio[USAGE_DESCRIPTOR]),
  ]);
  const [code] = await exit;
  const wallSeconds = (performance.now() - startedAt) / 1000;
  if (code !== 0) throw new Error(`orrery ${args.join(' ')} exits with ${String(code)}: ${stderr.trim()}`);
  const { cpuSeconds, peakBytes }: Usage = JSON.parse(usage);
  return { wallSeconds, cpuSeconds, peakBytes, stdout };
}

async function readAll(stream: unknown): Promise<string> {
  if (!(stream instanceof Readable)) throw new TypeError('the command was started without this pipe');
  return await text(stream);
}
