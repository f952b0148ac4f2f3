import { execFileSync } from 'node:child_process';
import { constants, mkdtempSync, open, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { errorCode } from '../../lib/error-code.ts';

const LOOK_MS = 20;

/** This side's end of a shell's pipes, in a folder that its owner alone may enter. */
export class ShellPipes {
  readonly folder = mkdtempSync(join(process.env['XDG_RUNTIME_DIR'] ?? tmpdir(), 'orrery-shell-'));

  constructor(begin: string) {
    execFileSync('mkfifo', ['-m', '600', this.#path('in'), this.#path('out')]);
    writeFileSync(this.#path('begin'), begin, { mode: 0o600 });
  }

  /** Resolves once the job has taken up both ends; with null where `isOver` says that it never will. */
  async open(isOver: () => boolean): Promise<{ input: Socket; output: Socket } | null> {
    let input: number | null = null;
    while (input === null) {
      if (isOver()) return null;
      try {
        // Refused as long as nobody reads.
        input = openSync(this.#path('in'), constants.O_WRONLY | constants.O_NONBLOCK);
      } catch (error) {
        if (errorCode(error) === 'ENOENT') return null;
        if (errorCode(error) !== 'ENXIO') throw error;
        await sleep(LOOK_MS);
      }
    }
    // The job opens its end right after the other one: this waits for that and not for longer.
    const output = await promisify(open)(this.#path('out'), 'r');
    return {
      input: new Socket({ fd: input, readable: false, writable: true }),
      output: new Socket({ fd: output, readable: true, writable: false }),
    };
  }

  /** Null before the job has said it. */
  terminal(): string | null {
    try {
      return readFileSync(this.#path('tty'), 'utf8').trim() || null;
    } catch {
      return null;
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #path(name: string): string {
    return join(this.folder, name);
  }
}
