import { isDeepStrictEqual } from 'node:util';
import type { NodeSpec } from '../../cluster/node.ts';
import type { JournalRecord } from '../../contract/journal.ts';
import type { EndCause, NodeView, Placement, SchedulerEvent } from '../../scheduler/types.ts';

/** An attempt that held nodes when the journal ends. */
export interface LiveAttempt {
  jobId: number;
  attempt: number;
  placement: Placement;
  isStarted: boolean;
  startedMs: number | null;
  cause: EndCause | null;
  /** For which job, where it is preempted. */
  preemptorJobId: number | null;
}

/**
 * What makes the nodes the journal ends with those of the configuration. A node that runs something stays as it is until a later
 * start; what an operator did to a node (drained, failed) outlives a change of its size.
 */
export function reconcileNodes(
  known: readonly NodeView[],
  configured: readonly NodeSpec[],
  atMs: number,
): SchedulerEvent[] {
  const wanted = new Map(configured.map((node) => [node.name, node]));
  const events: SchedulerEvent[] = [];
  for (const { spec, state, reason, jobIds } of known) {
    const { name: nodeName } = spec;
    const node = wanted.get(nodeName);
    wanted.delete(nodeName);
    if (jobIds.length > 0 || isDeepStrictEqual(spec, node)) continue;
    events.push({ kind: 'NodeRemoved', atMs, nodeName });
    if (node === undefined) continue;
    events.push({ kind: 'NodeAdded', atMs, node });
    if (state === 'down') events.push({ kind: 'NodeFailed', atMs, nodeName, reason: reason ?? '' });
    if (state === 'drained') events.push({ kind: 'NodeDrained', atMs, nodeName, reason: reason ?? '' });
  }
  for (const node of wanted.values()) events.push({ kind: 'NodeAdded', atMs, node });
  return events;
}

/** The attempts that held nodes when the journal ends. */
export function liveAttempts(records: readonly JournalRecord[]): LiveAttempt[] {
  const live = new Map<number, LiveAttempt>();
  for (const { event } of records) {
    if (event.kind === 'AttemptStarting') {
      const { jobId, attempt, placement } = event;
      live.set(jobId, {
        jobId,
        attempt,
        placement,
        isStarted: false,
        startedMs: null,
        cause: null,
        preemptorJobId: null,
      });
    } else if (event.kind === 'AttemptEnded' || event.kind === 'LaunchFailed') {
      live.delete(event.jobId);
    } else if (event.kind === 'AttemptStarted') {
      const found = live.get(event.jobId);
      if (found) Object.assign(found, { isStarted: true, startedMs: event.atMs });
    } else if (event.kind === 'AttemptEnding') {
      const found = live.get(event.jobId);
      if (found) Object.assign(found, { cause: event.cause, preemptorJobId: event.preemptor?.jobId ?? null });
    }
  }
  return [...live.values()];
}
