import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { mkdir, open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { errorCode } from '../../lib/error-code.ts';
import type { AttemptPlan } from './launcher-port.ts';
import type { ProcessId } from './process-table.ts';

/** What the launcher notes before it starts anything, for the daemon that comes after it. */
const recordSchema = z.strictObject({
  bootId: z.string(),
  masterPort: z.int(),
  /** By node rank; empty where processes are found by their environment. */
  processGroups: z.array(z.string()),
  /** By node rank; empty where memory is watched by sampling. */
  memoryGroups: z.array(z.string()),
});

export type AttemptRecord = z.infer<typeof recordSchema>;

export interface TaskStatus {
  /** As a shell says it: 128 + signal for a task that was killed. */
  status: number;
  endedMs: number;
}

/** The files of one attempt; the supervisors write claims, pids and exit statuses beside the logs. */
export class AttemptFiles {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  get script(): string {
    return join(this.folder, 'script');
  }

  /** Exists once every task is claimed and the gang as a whole may run. */
  get go(): string {
    return join(this.folder, 'go');
  }

  get #record(): string {
    return join(this.folder, 'attempt.json');
  }

  /** What the names of a task's files begin with. */
  prefix(rank: number): string {
    return join(this.folder, `rank-${rank}`);
  }

  stdout(rank: number): string {
    return `${this.prefix(rank)}.out`;
  }

  stderr(rank: number): string {
    return `${this.prefix(rank)}.err`;
  }

  async makeFolders(plan: AttemptPlan): Promise<void> {
    await Promise.all([
      mkdir(this.folder, { recursive: true, mode: 0o700 }),
      mkdir(plan.checkpointFolder, { recursive: true }),
    ]);
  }

  async writeScript(script: string): Promise<void> {
    await writeFile(this.script, script, { mode: 0o700 });
  }

  /** Throws EEXIST if the attempt was started before. */
  async writeRecord(record: AttemptRecord): Promise<void> {
    await writeFile(this.#record, JSON.stringify(record), { flag: 'wx' });
  }

  /** Undoes `writeGo` where it failed halfway. */
  async removeGo(): Promise<void> {
    await rm(this.go, { force: true });
  }

  /** Lets the gang run. */
  async writeGo(): Promise<void> {
    await writeFile(this.go, '');
  }

  hasGo(): boolean {
    return existsSync(this.go);
  }

  /** Null where none was written, or not to its end. */
  readRecord(): AttemptRecord | null {
    const parsed = recordSchema.safeParse(parseJson(readText(this.#record)));
    return parsed.success ? parsed.data : null;
  }

  /** Takes the claim of a task so that no supervisor can; false if one has it already. */
  async fence(rank: number): Promise<boolean> {
    try {
      const claim = await open(`${this.prefix(rank)}.claim`, 'wx');
      await claim.close();
      return true;
    } catch (error) {
      if (errorCode(error) === 'EEXIST') return false;
      throw error;
    }
  }

  /** The supervisor that claimed the task, or null if none did. */
  supervisor(rank: number): ProcessId | null {
    return parseProcess(readText(`${this.prefix(rank)}.claim`));
  }

  /** The task's main process, or null if it has not begun. */
  main(rank: number): ProcessId | null {
    return parseProcess(readText(`${this.prefix(rank)}.main`));
  }

  /** What the supervisor left, or null. `isFinal`: it is gone, so that what it had not yet renamed is all there will be. */
  status(rank: number, isFinal: boolean): TaskStatus | null {
    const file = `${this.prefix(rank)}.exit`;
    return readStatus(file) ?? (isFinal ? readStatus(`${file}.tmp`) : null);
  }

  get #outOfMemory(): string {
    return join(this.folder, 'out-of-memory');
  }

  /** Outlives the daemon that saw it. */
  noteOutOfMemory(nodeName: string): void {
    writeFileSync(this.#outOfMemory, nodeName);
  }

  /** The node on which the attempt ran out of memory, or null. */
  nodeOutOfMemory(): string | null {
    return readText(this.#outOfMemory) || null;
  }

  /** The last `bytes` of what the task wrote to stderr; '' where the file is gone. */
  stderrTail(rank: number, bytes: number): string {
    // Jobs can reach their own logs: one may be gone, or have become something that blocks its reader.
    let file: number;
    try {
      file = openSync(this.stderr(rank), constants.O_RDONLY | constants.O_NONBLOCK);
    } catch {
      return '';
    }
    try {
      const stat = fstatSync(file);
      if (!stat.isFile()) return '';
      const { size } = stat;
      const buffer = Buffer.alloc(Math.min(bytes, size));
      readSync(file, buffer, 0, buffer.length, size - buffer.length);
      return buffer.toString();
    } finally {
      closeSync(file);
    }
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** '' where there is no such file. Jobs can reach their own files: a FIFO in the place of one must not hold up its reader. */
function readText(path: string): string {
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      return fstatSync(file).isFile() ? readFileSync(file, 'utf8') : '';
    } finally {
      closeSync(file);
    }
  } catch {
    return '';
  }
}

function parseProcess(line: string): ProcessId | null {
  const [, pid, startTicks] = /^(\d+) (\d+)\b.*\n$/.exec(line) ?? [];
  return pid === undefined ? null : { pid: Number(pid), startTicks: Number(startTicks) };
}

function readStatus(path: string): TaskStatus | null {
  const [, status] = /^(\d+)\n$/.exec(readText(path)) ?? [];
  if (status === undefined) return null;
  return { status: Number(status), endedMs: statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now() };
}
