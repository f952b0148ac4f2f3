import { readFileSync } from 'node:fs';

/**
 * Memory these processes use, in bytes. Pages shared between them count once for each process as long as that stays under `limitBytes`,
 * which is quick to read; beyond it each counts by its share (Pss, proc_pid_smaps(5)), so that nobody is killed for a shared library.
 */
export function memoryBytesOf(pids: readonly number[], limitBytes: number): number {
  const resident = sum(pids, (pid) => kibibytesIn(`/proc/${pid}/status`, /^VmRSS:\s+(\d+) kB$/m) * 1024);
  if (resident <= limitBytes) return resident;
  return sum(pids, (pid) => kibibytesIn(`/proc/${pid}/smaps_rollup`, /^Pss:\s+(\d+) kB$/m) * 1024);
}

function kibibytesIn(file: string, pattern: RegExp): number {
  return Number(pattern.exec(readFileSync(file, 'latin1'))?.[1] ?? 0);
}

function sum(pids: readonly number[], bytesOf: (pid: number) => number): number {
  let total = 0;
  for (const pid of pids) {
    try {
      total += bytesOf(pid);
    } catch {
      // Gone since it was listed.
    }
  }
  return total;
}
