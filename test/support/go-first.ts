import { spawnSync } from 'node:child_process';
import { getPriority, setPriority } from 'node:os';

/**
 * Has this process go before others, and Slurm's daemons that it starts: a controller that waits for the CPU decides otherwise. Only root may; nothing
 * happens elsewhere. The function that comes back ends it.
 */
export function goFirst(): () => void {
  const chrt = (...args: string[]) => spawnSync('chrt', [...args, String(process.pid)]).status === 0;
  if (chrt('--rr', '--pid', '10')) return () => void chrt('--other', '--pid', '0');
  const before = getPriority();
  try {
    setPriority(-15);
  } catch {
    return () => undefined;
  }
  return () => setPriority(before);
}
