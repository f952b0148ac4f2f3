import { isDeepStrictEqual } from 'node:util';
import type { NodeSpec } from '../../cluster/node.ts';
import type { JournalRecord } from '../../contract/journal.ts';
import type { EndCause, Placement, SchedulerEvent } from '../../scheduler/types.ts';

/** An attempt that held nodes when the journal ends. */
export interface LiveAttempt {
  jobId: number;
  attempt: number;
  placement: Placement;
  isStarted: boolean;
  startedMs: number | null;
  cause: EndCause | null;
}

export interface Replay {
  /** To apply, in order, to a fresh scheduler. */
  records: JournalRecord[];
  /** To journal and apply after that. */
  newNodeEvents: SchedulerEvent[];
  live: LiveAttempt[];
}

/**
 * What a daemon that starts applies to its scheduler. Nodes are those of the configuration it was started with; only while attempts
 * of an earlier configuration are alive do the nodes stay as the journal has them, since those attempts still use them.
 */
export function replayable(records: readonly JournalRecord[], configured: readonly NodeSpec[], nowMs: number): Replay {
  const live = liveAttempts(records);
  const journalled = new Map<string, NodeSpec>();
  for (const { event } of records) if (event.kind === 'NodeAdded') journalled.set(event.node.name, event.node);
  const hasLive = live.length > 0;
  const nodes = new Map(configured.map((node) => [node.name, node]));
  if (hasLive) for (const [name, node] of journalled) nodes.set(name, node);
  const isKnown = (node: NodeSpec) => isDeepStrictEqual(journalled.get(node.name), node);
  const added = [...nodes.values()]
    .filter(isKnown)
    .map((node): JournalRecord => ({ event: { kind: 'NodeAdded', atMs: nowMs, node } }));
  const fresh = [...nodes.values()].filter((node) => !isKnown(node));
  const knownNames = new Set(added.map(({ event }) => (event.kind === 'NodeAdded' ? event.node.name : '')));
  const rest = records.filter(
    ({ event }) => event.kind !== 'NodeAdded' && (!('nodeName' in event) || knownNames.has(event.nodeName)),
  );
  return {
    records: [...added, ...rest],
    newNodeEvents: fresh.map((node) => ({ kind: 'NodeAdded', atMs: nowMs, node })),
    live,
  };
}

function liveAttempts(records: readonly JournalRecord[]): LiveAttempt[] {
  const live = new Map<number, LiveAttempt>();
  for (const { event } of records) {
    if (event.kind === 'AttemptStarting') {
      const { jobId, attempt, placement } = event;
      live.set(jobId, { jobId, attempt, placement, isStarted: false, startedMs: null, cause: null });
    } else if (event.kind === 'AttemptEnded' || event.kind === 'LaunchFailed') {
      live.delete(event.jobId);
    } else if (event.kind === 'AttemptStarted') {
      const found = live.get(event.jobId);
      if (found) Object.assign(found, { isStarted: true, startedMs: event.atMs });
    } else if (event.kind === 'AttemptEnding') {
      const found = live.get(event.jobId);
      if (found) found.cause = event.cause;
    }
  }
  return [...live.values()];
}
