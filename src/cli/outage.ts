import type { Health } from '../contract/api.ts';
import type { OrreryClient } from '../contract/client.ts';
import { formatDuration } from '../lib/units.ts';
import { note } from './output.ts';
import { oneLine } from './render/terminal.ts';

/** That Slurm does not answer, or that the home takes nothing down, in one line; null where it does, or where jobs run on this machine. */
export function outageLine({ outage }: Health, nowMs: number): string | null {
  if (outage === null) return null;
  const forMs = Math.max(0, nowMs - outage.sinceTime * 1000);
  const what = outage.cause === 'storage' ? 'What Slurm says could not be written down' : 'Slurm has not answered';
  return `${what} for ${formatDuration(forMs)}: ${oneLine(outage.reason)}`;
}

/** Says on stderr where what the daemon knows is old; `means` is what that does to the answer of the command. What is wrong with the daemon itself is for the command to say. */
export async function noteOutage(client: OrreryClient, means: string): Promise<void> {
  const health = await client.health().catch(() => null);
  const line = health === null ? null : outageLine(health, Date.now());
  if (line !== null) note(`note: ${line}; ${means}`);
}
