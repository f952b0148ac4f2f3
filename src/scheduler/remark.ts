import type { SchedulerEvent } from './types.ts';

/** Facts that are kept for the lemon detector, and those of another's scheduler: no decision of a scheduler of ours depends on them. */
export type RemarkEvent = Extract<
  SchedulerEvent,
  { kind: 'XidSeen' | 'TicketOpened' | 'NodeAvoided' | 'RequeueRefused' }
>;

const KINDS: ReadonlySet<SchedulerEvent['kind']> = new Set([
  'XidSeen',
  'TicketOpened',
  'NodeAvoided',
  'RequeueRefused',
]);

/** True for facts that a scheduler passes over, whenever they come. */
export function isRemark(event: SchedulerEvent): event is RemarkEvent {
  return KINDS.has(event.kind);
}
