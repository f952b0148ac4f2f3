import { constants } from 'node:fs';
import { lstat, open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../../backend/port.ts';
import {
  NODE_REPORT_BYTES_MAX,
  type NodeReport,
  nodeOfReportFile,
  nodeReportSchema,
} from '../../contract/node-report.ts';
import { errorCode } from '../../lib/error-code.ts';
import { errorMessage } from '../../lib/error-message.ts';
import type { XidJournal } from './xid-journal.ts';

const DAY_MS = 86_400_000;
/** Between two looks: as seldom as Slurm is asked for its nodes. */
const PAUSE_MS_MIN = 15_000;
/** Looking takes at most one part in so many of the time. */
const PAUSE_PER_LOOK = 20;
/** A node that is started more often than this in a month and finds something each time is told of by others. */
const FILES_PER_NODE_MAX = 64;
const COMPLAINTS_MAX = 100;

export interface NodeReportsOptions {
  /** Folder on shared storage. */
  folder: string;
  /** Whose files are taken, beside those of whom the folder belongs to. */
  trustedUserIds: readonly number[];
  nodeNames: () => readonly string[];
  xids: XidJournal;
  /** Errors before that tell nothing any more. */
  windowDays: number;
  /** Told of each report that is new or has changed. */
  onReport?: (report: NodeReport) => void;
  now: () => number;
  log: Log;
}

/** What is known of a file that was looked at; `NodeReport` where it was one. */
interface Seen {
  fingerprint: string;
  report: NodeReport | null;
}

/**
 * Reads what the checks of nodes leave in a folder (`orrery health check --report`) and journals their XID errors, for the lemon detector. The
 * folder may be one that others write to: only regular files of trusted users that are named after a node of the cluster count.
 */
export class NodeReports {
  readonly folder: string;
  readonly #options: NodeReportsOptions;
  /** By file name. */
  #seen = new Map<string, Seen>();
  /** What was said in the log, so that it is said once. */
  readonly #complaints = new Set<string>();
  #isQuiet = true;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | null = null;
  #isClosed = false;

  constructor(options: NodeReportsOptions) {
    this.#options = options;
    this.folder = options.folder;
    void this.#watch();
  }

  /** Never rejects. A look that is under way is not begun a second time: a file server may hang. */
  look(): Promise<void> {
    this.#running ??= this.#look().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  /** The newest of a node; undefined where there is none. */
  latest(nodeName: string): NodeReport | undefined {
    return this.#reports().get(nodeName);
  }

  /** Of how many nodes there are reports, and when the newest was made, in UNIX seconds. */
  summary(): { nodes: number; lastTime: number | null } {
    const times = [...this.#reports().values()].map(({ atTime }) => atTime);
    return { nodes: times.length, lastTime: times.length === 0 ? null : Math.max(...times) };
  }

  /** What is under way has no effect any more. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  async #watch(): Promise<void> {
    const startedAt = performance.now();
    await this.look();
    if (this.#isClosed) return;
    const pauseMs = Math.max(PAUSE_MS_MIN, (performance.now() - startedAt) * PAUSE_PER_LOOK);
    this.#timer = setTimeout(() => void this.#watch(), pauseMs);
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    this.#isQuiet = true;
    try {
      const { uid, mode } = await stat(this.folder);
      if ((mode & 0o1002) === 0o002) this.#complain(new Error('anybody may take reports of others away: chmod +t'));
      const trusted = new Set([...this.#options.trustedUserIds, uid]);
      const seen = new Map<string, Seen>();
      for (const name of this.#ofNodes(await readdir(this.folder))) {
        const before = this.#seen.get(name);
        // One after the other: where the file server hangs, one thread hangs.
        const now = await this.#read(name, trusted, before);
        if (this.#isClosed) return;
        if (now === null) continue;
        const isTaken = now === before || now.report === null || (await this.#record(now.report));
        // What could not be taken whole is looked at again.
        seen.set(name, isTaken ? now : { ...now, fingerprint: '' });
      }
      this.#seen = seen;
      // What is wrong later is news again.
      if (this.#isQuiet) this.#complaints.clear();
    } catch (error) {
      if (!this.#isClosed) this.#complain(error);
    }
  }

  /** Names of files that are named after a node of the cluster. */
  #ofNodes(fileNames: readonly string[]): string[] {
    const counts = new Map(this.#options.nodeNames().map((name) => [name, 0]));
    return fileNames.filter((fileName) => {
      const node = nodeOfReportFile(fileName) ?? '';
      const count = counts.get(node);
      if (count === undefined || count >= FILES_PER_NODE_MAX) return false;
      counts.set(node, count + 1);
      return true;
    });
  }

  /** Null: it has gone. The same object as before where the file is the same. */
  async #read(name: string, trusted: ReadonlySet<number>, before: Seen | undefined): Promise<Seen | null> {
    const path = join(this.folder, name);
    try {
      const { ino, mtimeMs, size, uid } = await lstat(path);
      const fingerprint = `${ino} ${mtimeMs} ${size} ${uid}`;
      if (before?.fingerprint === fingerprint) return before;
      const outcome = await readTrusted(path, trusted);
      const parsed = typeof outcome === 'string' ? outcome : parseReport(outcome.text, name);
      if (typeof parsed !== 'string') {
        this.#options.onReport?.(parsed);
        return { fingerprint, report: parsed };
      }
      this.#options.log.error({ file: path }, `the report of a node is passed over: ${parsed}`);
      return { fingerprint, report: null };
    } catch (error) {
      // Replaced or taken away since its name was read; another look finds what is there then.
      if (errorCode(error) !== 'ENOENT') this.#complain(error);
      return null;
    }
  }

  /** False where there are errors of times that are still to come: the node's clock is ahead, and the day would be wrong. */
  async #record({ node, xids }: NodeReport): Promise<boolean> {
    const { now, windowDays } = this.#options;
    const nowMs = now();
    const events = xids.map(({ xid, atTime }) => {
      return { kind: 'XidSeen' as const, atMs: Math.round(atTime * 1000), nodeName: node, xid };
    });
    const due = events.filter(({ atMs }) => atMs <= nowMs && atMs > nowMs - windowDays * DAY_MS);
    await this.#options.xids.record(due);
    return events.every(({ atMs }) => atMs <= nowMs);
  }

  #reports(): Map<string, NodeReport> {
    const newest = new Map<string, NodeReport>();
    for (const { report } of this.#seen.values()) {
      if (report !== null && report.atTime > (newest.get(report.node)?.atTime ?? -1)) newest.set(report.node, report);
    }
    return newest;
  }

  #complain(error: unknown): void {
    const reason = errorMessage(error);
    this.#isQuiet = false;
    if (this.#complaints.has(reason) || this.#complaints.size >= COMPLAINTS_MAX) return;
    this.#complaints.add(reason);
    this.#options.log.error({ folder: this.folder, reason }, 'the reports of nodes');
  }
}

/** Text of a file of ours, or why it is none. Judged is the file that was opened, whatever is put in its place meanwhile. */
async function readTrusted(path: string, trusted: ReadonlySet<number>): Promise<{ text: string } | string> {
  // A pipe that nobody writes to would keep us waiting.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  let file;
  try {
    file = await open(path, flags);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ELOOP') return 'it is a link';
    if (code === 'EACCES' || code === 'ENXIO') return `it cannot be opened (${code})`;
    throw error;
  }
  try {
    const found = await file.stat();
    if (!found.isFile()) return 'it is no regular file';
    if (!trusted.has(found.uid)) return `it belongs to user ${found.uid}, whose word does not count here`;
    if (found.size > NODE_REPORT_BYTES_MAX) return `it has ${found.size} bytes, more than ${NODE_REPORT_BYTES_MAX}`;
    const buffer = Buffer.alloc(found.size);
    const { bytesRead } = await file.read(buffer, 0, found.size, 0);
    return { text: buffer.toString('utf8', 0, bytesRead) };
  } finally {
    await file.close();
  }
}

/** The report, or why it is none. */
function parseReport(text: string, fileName: string): NodeReport | string {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return 'it is no JSON';
  }
  const { success, data, error } = nodeReportSchema.safeParse(json);
  if (!success) return `${error.issues[0]?.path.join('.') ?? ''}: ${error.issues[0]?.message ?? 'unexpected'}`;
  return data.node === nodeOfReportFile(fileName) ? data : `it speaks of node ${data.node}`;
}
