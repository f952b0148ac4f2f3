import type { QueuedJob } from './queue-ahead.ts';
import type { SlurmCommands } from '../slurm-commands.ts';

/** As a table a job takes some fifty bytes, as JSON thousands. No column can hold what separates them. */
const TABLE = ['--noheader', '--states=PENDING,RUNNING', '--format=%A|%K|%u|%P|%T|%r|%Q|%D|%e|%N'];
/** Times as the epoch's seconds, arrays with all of their tasks. */
const VARIABLES = { SLURM_TIME_FORMAT: '%s', SLURM_BITSTR_LEN: '0' };
/** Somebody waits for it. */
const TIMEOUT_MS = 10_000;
/** Who asks again meanwhile, or about another job, gets the same. */
const FRESH_MS = 5_000;

/** All that wait or run, whoever they are of: asked for when somebody wants to know, never at a look. */
export class QueueTable {
  readonly #commands: Pick<SlurmCommands, 'run'>;
  readonly #now: () => number;
  #askedMs = -Infinity;
  #last: Promise<readonly QueuedJob[]> = Promise.resolve([]);

  constructor(commands: Pick<SlurmCommands, 'run'>, now: () => number) {
    this.#commands = commands;
    this.#now = now;
  }

  /** Where Slurm does not answer, what it said last. */
  read(): Promise<readonly QueuedJob[]> {
    const nowMs = this.#now();
    if (nowMs - this.#askedMs < FRESH_MS) return this.#last;
    const before = this.#last;
    this.#askedMs = nowMs;
    this.#last = this.#commands
      .run('squeue', TABLE, { variables: VARIABLES, timeoutMs: TIMEOUT_MS })
      .then(parseQueueTable, () => before);
    return this.#last;
  }
}

/** Only counted: a line that is not understood is left out. */
export function parseQueueTable(text: string): QueuedJob[] {
  return text.split('\n').flatMap((line) => {
    const fields = line.split('|').map((field) => field.trim());
    const [
      id = '',
      tasks = '',
      user = '',
      partition = '',
      state,
      reason = '',
      priority,
      nodes,
      end = '',
      nodeList = '',
    ] = fields;
    if (!/^\d+$/.test(id) || (state !== 'PENDING' && state !== 'RUNNING')) return [];
    const isRunning = state === 'RUNNING';
    return [
      {
        slurmJobId: Number(id),
        tasks: taskCount(tasks),
        user,
        partitions: partition.split(','),
        isRunning,
        reason,
        priority: Number(priority) || 0,
        nodeCount: Number(nodes) || 1,
        nodeList,
        endMs: /^\d+$/.test(end) ? Number(end) * 1000 : null,
      },
    ];
  });
}

/** Of `3-9%3` or `1,5-9:2`; 1 for a job that is none. */
function taskCount(tasks: string): number {
  return (
    tasks
      .replace(/%.*$/, '')
      .split(',')
      .reduce((sum, range) => {
        const [, first, last = first, step = '1'] = /^(\d+)(?:-(\d+)(?::(\d+))?)?$/.exec(range) ?? [];
        return sum + (first === undefined ? 0 : Math.floor((Number(last) - Number(first)) / Number(step)) + 1);
      }, 0) || 1
  );
}
