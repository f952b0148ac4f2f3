import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readSlurmFile, sharedFolderOf } from '../daemon/slurm-file.ts';
import { errorMessage } from '../lib/error-message.ts';
import { formatMemory } from '../lib/units.ts';
import { type Check, DISK_BYTES_COMFORTABLE } from './doctor-check.ts';

/** A file server that does not answer by then hangs. */
const ANSWER_MS_MAX = 10_000;
/** A quota shows in no count of free bytes: only what is written tells. */
const PROBE_BYTES = 1024 ** 2;

/** Prints how many KiB are free, then writes `$2` bytes and takes them away again. */
const PROBE = `LC_ALL=C; export LC_ALL
df -Pk "$1" | awk 'NR == 2 { print $4 }'
file=$1/.orrery-doctor.$$
trap 'rm -f "$file"' EXIT
head -c "$2" /dev/zero > "$file" && sync "$file"`;

/** What the file system says (strerror), and what mends it. */
const MENDS: readonly [RegExp, string][] = [
  [/no space left/i, 'make room there, inodes too; jobs wait until there is some'],
  [/quota exceeded/i, 'your quota is used up: make room there; jobs wait until there is some'],
  [/read-only file system/i, 'have it mounted for writing; jobs wait until it is'],
  [/permission denied|not permitted/i, 'give yourself the right to write there; jobs wait until you have it'],
  [/stale file handle|input\/output error|not connected/i, 'mount it anew; jobs wait until it is there'],
];

interface ProbeEnd {
  freeBytes: number | null;
  /** In one line; null: it took what was written. */
  failure: string | null;
}

/**
 * Whether the folder of jobs that a home shares with the nodes of Slurm can be written from here; null for a home without such a folder of its own
 * (`--shared`). `answerMs`: how long the file system may take.
 */
export async function checkShared(home: string, answerMs = ANSWER_MS_MAX): Promise<Check | null> {
  const name = 'Shared';
  const failed = (detail: string, advice: string): Check => ({ name, status: 'failed', detail, advice });
  let shared: string | null;
  let folder: string;
  try {
    const file = readSlurmFile(home);
    if (file === null || file.shared === null) return null;
    shared = file.shared;
    folder = join(sharedFolderOf(home, file), 'jobs');
  } catch (error) {
    return failed(errorMessage(error), 'until then orrery up does not start here');
  }
  const end = await probe(folder, answerMs);
  if (end === null)
    return failed(
      `${shared}: no answer within ${answerMs / 1000} s`,
      'see to its file server; jobs wait until it answers',
    );
  const { freeBytes, failure } = end;
  if (failure === null && freeBytes !== null) {
    const isScarce = freeBytes < DISK_BYTES_COMFORTABLE;
    const detail = `${shared}: ${formatMemory(freeBytes)} free, and it takes files`;
    return { name, status: isScarce ? 'warning' : 'ok', detail, advice: isScarce ? 'make room there' : null };
  }
  const said = failure ?? 'no word of its free space';
  const mend = MENDS.find(([words]) => words.test(said))?.[1];
  if (mend === undefined && !existsSync(folder))
    return failed(`${folder}: not there`, `have ${shared} mounted here and on all nodes; jobs wait until it is there`);
  const advice = mend ?? 'see to its file system; jobs wait until it takes files';
  return failed(`${folder}: takes no files: ${said}`, advice);
}

/** Null where there is no answer: what waits for a file server that hangs is left to itself, and takes its file away once that answers. */
function probe(folder: string, answerMs: number): Promise<ProbeEnd | null> {
  return new Promise((resolve) => {
    const child = spawn('sh', ['-c', PROBE, 'sh', folder, String(PROBE_BYTES)], { stdio: ['ignore', 'pipe', 'pipe'] });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    const finish = (end: ProbeEnd | null): void => {
      clearTimeout(timer);
      child.stdout.destroy();
      child.stderr.destroy();
      child.unref();
      resolve(end);
    };
    const timer = setTimeout(() => finish(null), answerMs);
    child.once('error', (error) => finish({ freeBytes: null, failure: errorMessage(error) }));
    child.once('close', (status) => {
      const [kib = ''] = stdout.split('\n');
      const said = stderr.trim().split('\n').at(-1)?.split(': ').at(-1) ?? '';
      const failure = status === 0 ? null : said || `ended with status ${status ?? 'unknown'}`;
      finish({ freeBytes: /^\d+$/.test(kib) ? Number(kib) * 1024 : null, failure });
    });
  });
}
