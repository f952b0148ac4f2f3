import { isDeepStrictEqual } from 'node:util';
import type { NodeSpec } from '../../cluster/node.ts';
import type { JournalRecord } from '../../contract/journal.ts';
import type { EndCause, Placement } from '../../scheduler/types.ts';

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
  /** To apply, in order, to a fresh scheduler: the nodes first. */
  records: JournalRecord[];
  /** Those of `records` that the journal does not have yet. */
  toJournal: JournalRecord[];
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
  const nodes = new Map(configured.map((node) => [node.name, node]));
  if (live.length > 0) for (const [name, node] of journalled) nodes.set(name, node);
  const added = [...nodes.values()].map((node) => {
    return { node, record: { event: { kind: 'NodeAdded' as const, atMs: nowMs, node } } };
  });
  const rest = records.filter(({ event }) => {
    return event.kind !== 'NodeAdded' && (!('nodeName' in event) || nodes.has(event.nodeName));
  });
  return {
    records: [...added.map(({ record }) => record), ...rest],
    toJournal: added
      .filter(({ node }) => !isDeepStrictEqual(journalled.get(node.name), node))
      .map(({ record }) => record),
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
