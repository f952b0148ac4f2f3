import { describe, expect, it } from 'vitest';
import type { NodeSpec } from '../../cluster/node.ts';
import type { JournalRecord } from '../../contract/journal.ts';
import type { SchedulerEvent } from '../../scheduler/types.ts';
import { replayable } from './recovery.ts';

const node = (name: string, cpus: number): NodeSpec => ({
  name,
  resources: { cpus, memoryBytes: 1, gpus: 0 },
  gpuType: null,
  leaf: null,
});
const added = (spec: NodeSpec): JournalRecord => ({ event: { kind: 'NodeAdded', atMs: 1, node: spec } });
const record = (event: SchedulerEvent): JournalRecord => ({ event });
const starting = record({ kind: 'AttemptStarting', atMs: 2, jobId: 1, attempt: 1, placement: [] });
const drained = record({ kind: 'NodeDrained', atMs: 3, nodeName: 'n2', reason: 'fan' });

const names = (records: readonly JournalRecord[]) =>
  records.map(({ event }) =>
    event.kind === 'NodeAdded' ? `${event.node.name}:${event.node.resources.cpus}` : event.kind,
  );

describe('what a daemon replays when it starts', () => {
  it('is the nodes as they were, then everything else in order', () => {
    const { records, toJournal } = replayable(
      [added(node('n1', 2)), starting, drained, added(node('n2', 2))],
      [node('n1', 2), node('n2', 2)],
      9,
    );
    expect(names(records)).toEqual(['n1:2', 'n2:2', 'AttemptStarting', 'NodeDrained']);
    expect(toJournal).toEqual([]);
  });

  it('journals the nodes of a first start', () => {
    const { records, toJournal } = replayable([], [node('n1', 2)], 9);
    expect(names(records)).toEqual(['n1:2']);
    expect(toJournal).toEqual(records);
  });

  it('takes a changed configuration where nothing runs, keeps what an operator did, and forgets nodes that are gone', () => {
    const { records, toJournal } = replayable(
      [added(node('n1', 2)), added(node('n2', 2)), added(node('n3', 2)), drained],
      [node('n1', 2), node('n2', 4)],
      9,
    );
    expect(names(records)).toEqual(['n1:2', 'n2:4', 'NodeDrained']);
    expect(names(toJournal)).toEqual(['n2:4']);
  });

  it('keeps the old nodes while attempts on them are alive', () => {
    const { records, toJournal, live } = replayable(
      [added(node('n1', 2)), starting],
      [node('n1', 4), node('n2', 4)],
      9,
    );
    expect(names(records)).toEqual(['n1:2', 'n2:4', 'AttemptStarting']);
    expect(names(toJournal)).toEqual(['n2:4']);
    expect(live).toMatchObject([{ jobId: 1, attempt: 1, isStarted: false, cause: null }]);
  });

  it('finds how far each attempt was', () => {
    const { live } = replayable(
      [
        starting,
        record({ kind: 'AttemptStarted', atMs: 5, jobId: 1, attempt: 1 }),
        record({ kind: 'AttemptEnding', atMs: 6, jobId: 1, attempt: 1, cause: 'TIMEOUT' }),
        record({ kind: 'AttemptStarting', atMs: 6, jobId: 2, attempt: 3, placement: [] }),
        record({ kind: 'AttemptEnded', atMs: 7, jobId: 2, attempt: 3, state: 'FAILED', exitCode: 1 }),
      ],
      [],
      9,
    );
    expect(live).toMatchObject([{ jobId: 1, isStarted: true, startedMs: 5, cause: 'TIMEOUT' }]);
  });
});
