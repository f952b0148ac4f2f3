import { unknownNode } from '../../backend/unknown-node.ts';
import type { DaemonContext } from '../context.ts';

/** Journals that somebody was asked to look at a node. Throws ORR_NOT_FOUND. */
export async function openTicket(
  { store, backend, now }: Pick<DaemonContext, 'store' | 'backend' | 'now'>,
  nodeName: string,
  reason: string,
): Promise<void> {
  const names = backend.nodes().map(({ spec }) => spec.name);
  if (!names.includes(nodeName)) throw unknownNode(nodeName, names);
  await store.append([{ event: { kind: 'TicketOpened', atMs: now(), nodeName, reason } }]);
}
