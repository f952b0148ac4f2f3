import type { HealthExpectation } from '../contract/health.ts';
import {
  type Check,
  type CheckRun,
  critical,
  type Finding,
  firstLine,
  ok,
  oncePerRun,
  skipped,
  some,
  unknown,
} from './check.ts';
import { type FileSystemUse, type Mount, parseFileSystemUse, parseMounts } from './mount-table.ts';

type ExpectedMount = HealthExpectation['mounts'][number];
type WatchedDisk = NonNullable<HealthExpectation['disks']>[number];

const STAT_TIMEOUT_MS = 5_000;
/** Jobs write here on every node. */
const DISKS_DEFAULT: readonly WatchedDisk[] = ['/', '/tmp'].map((path) => ({
  path,
  freePercentMin: 3,
  inodesFreePercentMin: 3,
}));
/** Each in a process of its own: a thread that hangs in the kernel would never end. */
const statCommand = (path: string) => ['stat', '--file-system', '--format=%a %f %b %d %c', '--', path];

export const STORAGE_CHECKS: readonly Check[] = [
  {
    name: 'mounts',
    severity: 'high',
    finds: 'a file system that is not mounted, of another type, read-only, or that hangs',
    reads: '/proc/self/mounts; stat and, where it is to be writable, mktemp in it, with a time-out',
    run: async (run) => {
      const { mounts } = run.expect;
      if (mounts.length === 0) return skipped('no mounts are expected');
      const table = parseMounts((await run.machine.read('/proc/self/mounts')) ?? '');
      if (table === null) return unknown('/proc/self/mounts cannot be read');
      const troubles = await Promise.all(mounts.map((mount) => mountTrouble(run, mount, table)));
      const found = troubles.filter((trouble) => trouble !== null);
      return found.length > 0 ? critical(some(found)) : ok(`${mounts.length} mounts answer`);
    },
  },
  {
    name: 'disk-space',
    severity: 'low',
    finds: 'a disk that is nearly full',
    reads: 'stat --file-system',
    run: (run) =>
      judgeDisks(run, ({ path, freePercentMin }, { freePercent }) =>
        freePercent < freePercentMin ? `${path} has ${freePercent.toFixed(1)} % free` : null,
      ),
  },
  {
    name: 'disk-inodes',
    severity: 'low',
    finds: 'a disk that can hold hardly any more files',
    reads: 'stat --file-system',
    run: (run) =>
      judgeDisks(run, ({ path, inodesFreePercentMin }, { inodesFreePercent }) =>
        inodesFreePercent !== null && inodesFreePercent < inodesFreePercentMin
          ? `${path} has ${inodesFreePercent.toFixed(1)} % of its inodes free`
          : null,
      ),
  },
];

/** What is wrong with a mount, in a few words; null for nothing. */
async function mountTrouble(run: CheckRun, expected: ExpectedMount, table: readonly Mount[]): Promise<string | null> {
  const { path, type, writable, timeoutSeconds } = expected;
  // The last one covers those before.
  const mount = table.findLast((candidate) => candidate.path === path);
  if (mount === undefined) return `${path} is not mounted`;
  if (type !== undefined && mount.type !== type) return `${path} is ${mount.type}, expected ${type}`;
  if (writable && mount.isReadOnly) return `${path} is mounted read-only`;
  const timeoutMs = timeoutSeconds * 1000;
  const looked = await run.machine.run(statCommand(path), timeoutMs);
  if (looked.kind === 'timedOut') return `${path} hangs: no answer within ${timeoutSeconds} s`;
  if (looked.kind === 'missing') return `${path} cannot be looked at: no stat program`;
  if (looked.exitCode !== 0) return `${path} does not answer: ${firstLine(looked.stderr)}`;
  return writable ? await writeTrouble(run, path, timeoutMs) : null;
}

async function writeTrouble(run: CheckRun, path: string, timeoutMs: number): Promise<string | null> {
  const made = await run.machine.run(['mktemp', '--', `${path}/.orrery-health-XXXXXXXX`], timeoutMs);
  if (made.kind === 'timedOut') return `${path} hangs: no file could be made within ${timeoutMs / 1000} s`;
  const file = made.kind === 'ended' ? made.stdout.trim() : '';
  if (made.kind === 'missing' || made.exitCode !== 0 || !file.startsWith(`${path}/.orrery-health-`)) {
    return `${path} is not writable: ${made.kind === 'ended' ? firstLine(made.stderr) : 'no mktemp program'}`;
  }
  await run.machine.run(['rm', '-f', '--', file], timeoutMs);
  return null;
}

async function judgeDisks(
  run: CheckRun,
  judge: (disk: WatchedDisk, use: FileSystemUse) => string | null,
): Promise<Finding> {
  const disks = run.expect.disks ?? DISKS_DEFAULT;
  if (disks.length === 0) return skipped('no disks are watched');
  const uses = await Promise.all(disks.map(({ path }) => readUse(run, path)));
  const troubles: string[] = [];
  const unread: string[] = [];
  for (const [index, disk] of disks.entries()) {
    const use = uses[index];
    if (use === undefined || use === null) unread.push(disk.path);
    else troubles.push(...[judge(disk, use)].filter((trouble) => trouble !== null));
  }
  if (troubles.length > 0) return critical(some(troubles));
  return unread.length > 0
    ? unknown(`cannot be read: ${some(unread)}`)
    : ok(`enough on ${some(disks.map(({ path }) => path))}`);
}

const readUse = oncePerRun(async ({ machine }, path): Promise<FileSystemUse | null> => {
  const outcome = await machine.run(statCommand(path), STAT_TIMEOUT_MS);
  return outcome.kind === 'ended' && outcome.exitCode === 0 ? parseFileSystemUse(outcome.stdout) : null;
});
