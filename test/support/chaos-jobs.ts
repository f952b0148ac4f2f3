import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JobSpecInput } from '../../src/contract/job.ts';
import type { EndState } from '../../src/scheduler/types.ts';

/** How a job is to end, and what is done to it on the way. */
export interface Expected {
  state: EndState;
  exitCode: number;
  /** Tasks that run. */
  ranks: number;
  /** Place, among all jobs, of the one it waits for. */
  waitsFor: number | null;
  /** When it is to be cancelled: as soon as it is there, or once it runs. */
  cancel: 'at once' | 'running' | null;
}

export interface Batch {
  specs: (JobSpecInput & { name: string })[];
  /** Of each job, the tasks of an array one by one. */
  expected: Expected[];
}

export const BATCH_SIZE = 100;
/** Tasks of the array whose tasks end by themselves, and of the one whose tasks are cancelled. */
const ARRAY_TASKS = { ending: 16, endless: 4 } as const;

/** It says in a file of its job, in the folder `LEDGER`, when it starts and when it has done its work, which lasts `LASTS` seconds and is not done where its `sleep` is killed. */
export const LEDGER_SCRIPT = `#!/bin/sh
echo "start $ORRERY_ATTEMPT $RANK $(date +%s%N)" >> "$LEDGER/$ORRERY_JOB_ID"
sleep "$LASTS" || exit
echo "end $ORRERY_ATTEMPT $RANK $(date +%s%N)" >> "$LEDGER/$ORRERY_JOB_ID"
exit "\${STATUS:-$ORRERY_ARRAY_TASK_ID}"
`;

/**
 * A hundred jobs: most end well, some with a status of their own, some wait for one of the batch before, some are gangs of two nodes, a fifth are
 * tasks of arrays, some are cancelled. `idOf` tells the id of a job of the batches before.
 */
export function chaosBatch(first: number, ledger: string, idOf: (place: number) => number): Batch {
  const specs: Batch['specs'] = [];
  const expected: Expected[] = [];
  const common = { script: LEDGER_SCRIPT, memory: '16M', time: '30m', maxRequeues: 20 };
  const end = first + BATCH_SIZE - ARRAY_TASKS.ending - ARRAY_TASKS.endless;
  for (let place = first; place < end; place += 1) {
    const kind = (place - first) % 20;
    const status = kind >= 10 && kind < 13 ? 3 + (place % 5) : 0;
    const cancel = kind === 18 ? 'at once' : kind === 19 ? 'running' : null;
    // Of the batch before: one that is cancelled while it runs, a gang, one that ends well, one that waits itself, one that fails.
    const back = { 8: 89, 9: 93, 13: 113, 14: 101, 15: 105 }[kind];
    const waitsFor = back === undefined || first === 0 ? null : place - back;
    const nodes = kind === 16 ? 2 : 1;
    specs.push({
      ...common,
      name: `chaos-${place}`,
      nodes,
      env: { LEDGER: ledger, STATUS: status, LASTS: cancel === null ? (place % 7) / 5 : 600 },
      ...(waitsFor !== null && { after: `${[8, 9, 15].includes(kind) ? 'afterany' : 'afterok'}:${idOf(waitsFor)}` }),
    });
    const state = cancel !== null ? 'CANCELLED' : status === 0 ? 'COMPLETED' : 'FAILED';
    expected.push({ state, exitCode: cancel === null ? status : 1, ranks: nodes, waitsFor, cancel });
  }
  const array = `0-${ARRAY_TASKS.ending - 1}%3`;
  specs.push({ ...common, name: `chaos-array-${first}`, array, env: { LEDGER: ledger, LASTS: 0.3 } });
  for (let task = 0; task < ARRAY_TASKS.ending; task += 1) {
    const state = task === 0 ? 'COMPLETED' : 'FAILED';
    expected.push({ state, exitCode: task, ranks: 1, waitsFor: null, cancel: null });
  }
  const endless = `0-${ARRAY_TASKS.endless - 1}%2`;
  specs.push({ ...common, name: `chaos-endless-${first}`, array: endless, env: { LEDGER: ledger, LASTS: 600 } });
  for (let task = 0; task < ARRAY_TASKS.endless; task += 1) {
    const cancel = task === ARRAY_TASKS.endless - 1 ? 'at once' : 'running';
    expected.push({ state: 'CANCELLED', exitCode: 1, ranks: 1, waitsFor: null, cancel });
  }
  return { specs, expected };
}

export interface LedgerLine {
  what: string;
  attempt: number;
  rank: number;
  atMs: number;
}

/** What the tasks of a job wrote. */
export function readLedger(ledger: string, jobId: number): LedgerLine[] {
  const path = join(ledger, String(jobId));
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [what = '', attempt, rank, at] = line.split(' ');
      return { what, attempt: Number(attempt), rank: Number(rank), atMs: Number(at) / 1e6 };
    });
}
