import { spawn } from 'node:child_process';
import { rename, stat, writeFile } from 'node:fs/promises';
import { errorCode } from '../../lib/error-code.ts';
import { errorMessage } from '../../lib/error-message.ts';
import type { AttemptFiles } from './attempt-files.ts';
import type { AttemptPlan } from './launcher-port.ts';
import { droppedFile } from './log-files.ts';

const STAT_BLOCK_BYTES = 512;

/**
 * Keeps the output of tasks within `logBytesMax` on disk. Tasks write straight into their files, so the oldest bytes are given back by
 * punching a hole (fallocate(2)): offsets stay what they were, and a reader that follows the end notices nothing.
 */
export class LogCap {
  readonly #warn: (message: string) => void;
  readonly #busy = new Set<string>();
  #isImpossible = false;

  constructor(warn: (message: string) => void) {
    this.#warn = warn;
  }

  /** Returns at once; what has to be given back is given back in the background. */
  check(files: AttemptFiles, plan: AttemptPlan): void {
    if (this.#isImpossible) return;
    for (const { rank } of plan.tasks) {
      for (const file of [files.stdout(rank), files.stderr(rank)]) {
        if (this.#busy.has(file)) continue;
        this.#busy.add(file);
        void this.#trim(file, plan.logBytesMax).finally(() => this.#busy.delete(file));
      }
    }
  }

  async #trim(file: string, bytesMax: number): Promise<void> {
    try {
      const { size, blocks, blksize } = await stat(file);
      if (blocks * STAT_BLOCK_BYTES <= bytesMax) return;
      const dropped = Math.floor((size - Math.floor(bytesMax / 2)) / blksize) * blksize;
      if (dropped <= 0) return;
      // Noted first: a reader may skip what is still there, but must not take a hole for output.
      const half = `${droppedFile(file)}.tmp`;
      await writeFile(half, `${dropped}\n`);
      await rename(half, droppedFile(file));
      await punchHole(file, dropped);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return;
      this.#isImpossible = true;
      this.#warn(`log sizes are not limited: ${errorMessage(error)}`);
    }
  }
}

function punchHole(file: string, bytes: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('fallocate', ['--punch-hole', '--offset', '0', '--length', String(bytes), file], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    child.stderr.on('data', (data: Buffer) => {
      stderr += data.toString();
    });
    child.once('error', () => reject(new Error('fallocate (util-linux) cannot be run')));
    child.once('close', (code) => (code === 0 ? resolve() : reject(new Error(stderr.trim().split('\n')[0] ?? ''))));
  });
}
