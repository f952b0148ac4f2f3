import { constants } from 'node:os';

/** Of a shell's, after a process that the signal ended. */
export const SIGKILL_STATUS = 128 + constants.signals.SIGKILL;
export const SIGTERM_STATUS = 128 + constants.signals.SIGTERM;

/** How a rank came to its end, by its status as a shell has it (128 and the number of the signal that killed it): `exited with status 1`. */
export function endOfRank(rank: number, nodeName: string, status: number): string {
  const how = status > 128 ? `was killed by ${signalName(status - 128)}` : `exited with status ${status}`;
  return `rank ${rank} on ${nodeName} ${how}`;
}

/** The rank that such words are about; null where they are others. */
export function rankNamed(message: string): number | null {
  const [, rank] = /^rank (\d+) on \S+ (?:exited with|was killed by) /.exec(message) ?? [];
  return rank === undefined ? null : Number(rank);
}

function signalName(number: number): string {
  const [name] = Object.entries(constants.signals).find(([, value]) => value === number) ?? [];
  return name ?? `signal ${number}`;
}
