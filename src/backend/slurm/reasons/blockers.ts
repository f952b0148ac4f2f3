import type { SlurmReservations } from '../nodes/reservations.ts';
import type { SlurmNodes } from '../nodes/slurm-nodes.ts';
import type { SlurmCommands } from '../slurm-commands.ts';
import { type Blockers, parseLicenses } from './blocked-words.ts';

export interface BlockerSources {
  nodes: Pick<SlurmNodes, 'refresh' | 'views'>;
  reservations: Pick<SlurmReservations, 'refresh' | 'seen'>;
  commands: Pick<SlurmCommands, 'run'>;
}

/** What a job with this reason may wait for, as Slurm has it now; what it does not tell is left out. */
export async function blockersOf(
  reason: string,
  { nodes, reservations, commands }: BlockerSources,
): Promise<Pick<Blockers, 'nodes' | 'reservations' | 'licenses'>> {
  const isReserved = ['ReqNodeNotAvail', 'Reservation'].includes(reason);
  if (isReserved) await reservations.refresh().catch(() => undefined);
  if (['ReqNodeNotAvail', 'Resources'].includes(reason)) await nodes.refresh().catch(() => undefined);
  const show = ['--oneliner', 'show', 'licenses'];
  const text = reason === 'Licenses' ? await commands.run('scontrol', show).catch(() => '') : '';
  return { nodes: nodes.views(), reservations: reservations.seen ?? [], licenses: parseLicenses(text) };
}
