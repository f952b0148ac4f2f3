import type { SchedulerEvent } from './types.ts';

/** Facts about nodes that are kept for the lemon detector: no decision of a scheduler of ours depends on them. */
export type RemarkEvent = Extract<SchedulerEvent, { kind: 'XidSeen' | 'TicketOpened' | 'NodeAvoided' }>;

/** True for facts that a scheduler passes over, whenever they come. */
export function isRemark(event: SchedulerEvent): event is RemarkEvent {
  return event.kind === 'XidSeen' || event.kind === 'TicketOpened' || event.kind === 'NodeAvoided';
}
