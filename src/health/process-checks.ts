import { setTimeout as sleep } from 'node:timers/promises';
import { type Check, type CheckRun, critical, type Finding, ok, oncePerRun, some, unknown, warning } from './check.ts';
import { parseProcessStat, type ProcessState } from './proc-files.ts';

const ZOMBIES_MAX = 50;
const BLOCKED_MAX = 16;
/** A zombie is about to be collected, and a process waits for a disk, at any one look; what matters stays. */
const LOOKS = 3;
const BETWEEN_LOOKS_MS = 200;

export const PROCESS_CHECKS: readonly Check[] = [
  {
    name: 'zombies',
    severity: 'low',
    finds: 'dead processes that their parents do not collect',
    reads: '/proc/*/stat, three looks',
    run: (run) => judgeState(run, 'Z', 'zombies', run.expect.processes?.zombiesMax ?? ZOMBIES_MAX),
  },
  {
    name: 'blocked-processes',
    severity: 'low',
    finds: 'processes that hang in the kernel (state D), as on a dead file system',
    reads: '/proc/*/stat, three looks',
    run: (run) => judgeState(run, 'D', 'blocked processes', run.expect.processes?.blockedMax ?? BLOCKED_MAX),
  },
];

async function judgeState(run: CheckRun, state: string, what: string, most: number): Promise<Finding> {
  const first = await processesAt(run, '0');
  if (first === null) return unknown('/proc cannot be read');
  let found = first.filter((process) => process.state === state);
  for (let look = 1; look < LOOKS && found.length > 0; look += 1) {
    const later = (await processesAt(run, String(look))) ?? [];
    const lasting = new Set(later.flatMap((process) => (process.state === state ? [process.pid] : [])));
    found = found.filter(({ pid }) => lasting.has(pid));
  }
  if (found.length === 0) return ok(`no ${what}`);
  const names = some(found.map(({ pid, name }) => `${name} (${pid})`));
  if (found.length > most) return critical(`${found.length} ${what}, expected ${most} at most: ${names}`);
  return warning(`${found.length} ${what}: ${names}`);
}

/** All processes at a look; null where there are none to be seen. */
const processesAt = oncePerRun(async ({ machine }, look): Promise<ProcessState[] | null> => {
  if (look !== '0') await sleep(BETWEEN_LOOKS_MS);
  const pids = ((await machine.list('/proc')) ?? []).filter((name) => /^\d+$/.test(name));
  if (pids.length === 0) return null;
  const texts = await Promise.all(pids.map((pid) => machine.read(`/proc/${pid}/stat`)));
  return texts.flatMap((text) => (text === null ? [] : [parseProcessStat(text)])).filter((process) => process !== null);
});
