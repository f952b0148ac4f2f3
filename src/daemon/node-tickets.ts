import { OrreryError } from '../contract/errors.ts';
import type { DaemonContext } from './context.ts';

/** Journals that somebody was asked to look at a node. Throws ORR_NOT_FOUND. */
export async function openTicket(
  { store, backend, now }: Pick<DaemonContext, 'store' | 'backend' | 'now'>,
  nodeName: string,
  reason: string,
): Promise<void> {
  if (!backend.nodes().some(({ spec }) => spec.name === nodeName)) {
    throw new OrreryError('ORR_NOT_FOUND', `no node "${nodeName}"`);
  }
  await store.append([{ event: { kind: 'TicketOpened', atMs: now(), nodeName, reason } }]);
}
