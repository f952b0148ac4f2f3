import { Heap } from '../../src/lib/heap.ts';

/** A job on whole, identical nodes. Seconds. */
export interface EasyJob {
  submit: number;
  nodes: number;
  /** How long it really runs: at most `limit`. */
  run: number;
  /** How long it asks for. */
  limit: number;
}

interface Running {
  /** Its place among the jobs. */
  job: number;
  end: number;
  /** By its limit. */
  expectedEnd: number;
  index: number;
}

/**
 * First come, first served with EASY backfill (Lifka 1995), written as plainly as can be, apart from the scheduler that it is held against:
 * the first job that does not fit has a reservation by the requested times of what runs; a later job starts if it fits now and is gone by
 * then, or takes nodes that are not needed then. `judge` says by which time a candidate is taken to be gone: by its limit, as it should be,
 * or by its true run time, which no scheduler knows; CQSim takes that (`CqSim/Cqsim_sim.py` passes `temp_job['run']`). Returns starts.
 */
export function easyStarts(jobs: readonly EasyJob[], nodeCount: number, judge: (job: EasyJob) => number): Float64Array {
  const starts = new Float64Array(jobs.length);
  const running = new Set<Running>();
  const ends = new Heap<Running>(
    (a, b) => (a.end === b.end ? a.job < b.job : a.end < b.end),
    (item, index) => {
      item.index = index;
    },
  );
  const at = (index: number): EasyJob => {
    const job = jobs[index];
    if (job === undefined) throw new RangeError(`there is no job ${index}`);
    return job;
  };
  let queue: number[] = [];
  let free = nodeCount;
  let submitted = 0;
  const start = (index: number, now: number) => {
    const { nodes, run, limit } = at(index);
    const item = { job: index, end: now + run, expectedEnd: now + limit, index: -1 };
    free -= nodes;
    starts[index] = now;
    running.add(item);
    ends.push(item);
  };
  for (;;) {
    const now = Math.min(jobs[submitted]?.submit ?? Infinity, ends.peek()?.end ?? Infinity);
    if (now === Infinity) return starts;
    for (let item = ends.peek(); item !== undefined && item.end <= now; item = ends.peek()) {
      ends.pop();
      running.delete(item);
      free += at(item.job).nodes;
    }
    for (; (jobs[submitted]?.submit ?? Infinity) <= now; submitted++) queue.push(submitted);
    let head = queue.shift();
    for (; head !== undefined && at(head).nodes <= free; head = queue.shift()) start(head, now);
    if (head === undefined) continue;
    let { shadow, extra } = reservation(at(head).nodes, free, running, at);
    queue = queue.filter((index) => {
      const job = at(index);
      if (job.nodes > free) return true;
      if (now + judge(job) > shadow) {
        if (job.nodes > extra) return true;
        extra -= job.nodes;
      }
      start(index, now);
      return false;
    });
    queue.unshift(head);
  }
}

/** When the head can start at the latest, and how many nodes are over then. */
function reservation(
  needed: number,
  free: number,
  running: ReadonlySet<Running>,
  at: (index: number) => EasyJob,
): { shadow: number; extra: number } {
  let count = free;
  let shadow = Infinity;
  for (const { job, expectedEnd } of [...running].sort((a, b) => a.expectedEnd - b.expectedEnd)) {
    if (count >= needed && expectedEnd > shadow) break;
    count += at(job).nodes;
    shadow = expectedEnd;
  }
  return { shadow, extra: count - needed };
}

/** Wait from submission to start. */
export function meanWait(jobs: readonly EasyJob[], starts: Float64Array): number {
  return jobs.reduce((sum, { submit }, index) => sum + ((starts[index] ?? 0) - submit), 0) / jobs.length;
}
