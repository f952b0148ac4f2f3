import { empty } from '../lib/empty.ts';
import { Heap } from '../lib/heap.ts';
import { Backlog, type Priorities } from './backlog.ts';
import type { JobRecord } from './job-record.ts';
import { isAhead, QueueFront } from './queue-front.ts';

/** So many jobs that have left the front may stand among arrivals, besides as many as the front has twice. */
const ARRIVALS_SPARE = 64;

/** The number of its array's throttle among limits; NaN for a job that has none. */
function arrayLimit({ request }: JobRecord): number {
  return request.array === undefined ? Number.NaN : -request.array.id;
}

/** Every job's priority is a number of its own. */
const STATIC: Priorities = { prioritize: () => {}, isCurrent: () => true };

/**
 * The pending jobs that could start: not held, waiting for no other job. The first `depth` of them stand sorted in front, where they are
 * looked at; the others wait in a heap, so that a long backlog costs no more than a short one. Jobs that the nodes in service could not
 * hold even if empty are set aside as they come to the front, and come back when a node joins or resumes; jobs over a limit are parked until
 * something that counts against the same limit ends.
 */
export class PendingQueue {
  readonly #depth: number;
  /** How often a job was put in so far: whoever walks the front knows by it what came meanwhile. */
  addCount = 0;
  /** Shorter than `#depth` only where nothing else is left. */
  readonly #front = new QueueFront();
  readonly #rest: Backlog;
  readonly #aside = new Set<JobRecord>();
  /** By the limit's number. */
  readonly #parked = new Map<number, Set<JobRecord>>();
  /** Tasks of throttled arrays by the array's number: one comes back for each that ends. */
  readonly #parkedTasks = new Map<number, Heap<JobRecord>>();
  /** Jobs that came to the front since the last `takeArrivals`; some may have left again. */
  readonly #arrivals: JobRecord[] = [];
  /** All of the front did. */
  #isAllNew = false;
  readonly #isServiceable: (job: JobRecord) => boolean;
  readonly #priorities: Priorities;
  #isDoubtful = false;

  constructor(depth: number, isServiceable: (job: JobRecord) => boolean, priorities = STATIC) {
    this.#depth = depth;
    this.#isServiceable = isServiceable;
    this.#priorities = priorities;
    this.#rest = new Backlog(priorities);
  }

  /** Jobs behind the front. */
  get restCount(): number {
    return this.#rest.size;
  }

  get hasArrivals(): boolean {
    return this.#isAllNew || this.#arrivals.length > 0;
  }

  add(job: JobRecord): void {
    this.addCount += 1;
    job.addNumber = this.addCount;
    const last = this.#front.last();
    const isFull = this.#front.length >= this.#depth;
    if (isFull && last !== undefined && isAhead(last, job)) {
      this.#pushRest(job);
    } else if (!this.#isServiceable(job)) {
      this.#setAside(job);
    } else {
      this.#front.insert(job);
      this.#arrive(job);
      if (isFull) this.#pushLastBack();
    }
  }

  /** Nothing happens where the job is not queued. */
  remove(job: JobRecord): void {
    const { place } = job;
    job.place = null;
    if (place === 'front') {
      this.#front.removeAt(this.#front.indexFor(job));
      if (this.#rest.size > 0) this.#refill();
    } else if (place === 'rest') this.#rest.remove(job);
    else if (place === 'aside') {
      if (this.#aside.delete(job)) return;
      for (const parked of this.#parked.values()) if (parked.delete(job)) return;
      this.#parkedTasks.get(arrayLimit(job))?.removeAt(job.queueIndex);
    }
  }

  /** The job whose turn it is. */
  head(): JobRecord | undefined {
    return this.front().at(0);
  }

  /** The first jobs, in order. */
  front(): QueueFront {
    if (this.#isDoubtful) {
      this.#isDoubtful = false;
      for (const job of this.#front.toArray().filter((one) => !this.#isServiceable(one))) {
        this.#front.removeAt(this.#front.indexFor(job));
        this.#setAside(job);
      }
      this.#refill();
    }
    return this.#front;
  }

  /** The first jobs as they were when last looked at: some of them may be more than the nodes in service could hold. */
  get lastFront(): QueueFront {
    return this.#front;
  }

  /** All of the front counts as having arrived since `takeArrivals` was last asked. */
  get isAllNew(): boolean {
    return this.#isAllNew;
  }

  /** As if `takeArrivals` had been asked, for whoever looks at all of the front anyway. */
  dropArrivals(): void {
    this.front();
    this.#isAllNew = false;
    for (const job of this.#arrivals) job.isArrival = false;
    empty(this.#arrivals);
  }

  /** Jobs that are in the front now and were not when this was last asked, in order. */
  takeArrivals(): JobRecord[] {
    if (!this.hasArrivals) return this.#arrivals;
    this.front();
    if (this.#isAllNew) {
      this.dropArrivals();
      return this.#front.toArray();
    }
    const arrivals: JobRecord[] = [];
    for (const job of this.#arrivals) {
      if (job.isArrival && job.place === 'front') arrivals.push(job);
      job.isArrival = false;
    }
    empty(this.#arrivals);
    return arrivals.length > 1 ? arrivals.sort((a, b) => (isAhead(a, b) ? -1 : 1)) : arrivals;
  }

  /** Over a limit: out of the queue until `unpark`. */
  park(job: JobRecord, limit: number): void {
    this.remove(job);
    job.place = 'aside';
    if (limit === arrayLimit(job)) {
      let tasks = this.#parkedTasks.get(limit);
      if (tasks === undefined) {
        tasks = new Heap<JobRecord>(isAhead, (task, index) => {
          task.queueIndex = index;
        });
        this.#parkedTasks.set(limit, tasks);
      }
      tasks.push(job);
    } else {
      const parked = this.#parked.get(limit);
      if (parked === undefined) this.#parked.set(limit, new Set([job]));
      else parked.add(job);
      this.pass(job);
    }
    job.unparkedFrom = null;
  }

  /** Something that counted against the limit ended: all that it held up may try again, of an array the first. */
  unpark(limit: number): void {
    const task = this.#parkedTasks.get(limit)?.pop();
    if (task !== undefined) {
      task.unparkedFrom = limit;
      this.add(task);
      // In another of its partitions it may find what it does not find in this one.
      for (const entry of task.owner?.entries ?? []) {
        if (entry.place === 'aside' && entry.queueIndex >= 0) {
          this.remove(entry);
          this.add(entry);
        }
      }
    }
    const parked = this.#parked.get(limit);
    if (parked === undefined) return;
    this.#parked.delete(limit);
    for (const job of parked) this.add(job);
  }

  /** The task does not start now although its array would let it: another one may. */
  pass(job: JobRecord): void {
    const limit = job.unparkedFrom;
    job.unparkedFrom = null;
    if (limit !== null) this.unpark(limit);
  }

  /** More nodes are in service than before. */
  reconsider(): void {
    if (this.#aside.size === 0) return;
    const jobs = [...this.#aside];
    this.#aside.clear();
    for (const job of jobs) this.add(job);
  }

  /** Fewer nodes are in service than before. */
  doubt(): void {
    this.#isDoubtful = true;
  }

  /** The static parts of priorities have changed, or whatever else `update` works out anew, and the order follows. All of the front counts as new. */
  reorder(update: (job: JobRecord) => void): void {
    const rest = this.#rest.takeAll();
    for (const job of rest) update(job);
    this.#reorderOthers(update);
    for (const job of rest) this.#rest.push(job);
    this.#changePlaces();
  }

  /** Age and fair-share have been calculated. All of the front counts as new. */
  recalculated(): void {
    this.#reorderOthers((job) => this.#priorities.prioritize(job));
    this.#rest.recalculated();
    this.#changePlaces();
  }

  /** All but those behind the front. */
  #reorderOthers(update: (job: JobRecord) => void): void {
    for (const job of this.#aside) update(job);
    for (const parked of this.#parked.values()) for (const job of parked) update(job);
    for (const [limit, tasks] of this.#parkedTasks) {
      for (const job of tasks) update(job);
      tasks.reorder();
      if (tasks.size === 0) this.#parkedTasks.delete(limit);
    }
    this.#front.reorder(update);
    if (this.#front.length > 0) this.#isAllNew = true;
  }

  /** Those who have moved up change places with the last of the front. */
  #changePlaces(): void {
    for (let next = this.#rest.peek(); next !== undefined; next = this.#rest.peek()) {
      const last = this.#front.last();
      if (last !== undefined && isAhead(last, next)) return;
      this.#rest.pop();
      if (!this.#isServiceable(next)) {
        this.#setAside(next);
        continue;
      }
      next.place = 'front';
      this.#front.insert(next);
      this.#pushLastBack();
    }
  }

  /** Whoever shows its priority to people says so first. */
  refresh(job: JobRecord): void {
    if (job.place === 'rest') this.#rest.refresh(job);
  }

  /** These in the order of their turns. For people's questions. */
  inTurn(jobs: readonly JobRecord[]): JobRecord[] {
    for (const job of jobs) this.refresh(job);
    return [...jobs].sort((a, b) => (isAhead(a, b) ? -1 : 1));
  }

  /**
   * How many other jobs are to start before this one and could be held by the nodes in service, in whichever of their partitions. Walks the whole queue:
   * for people's questions.
   */
  ahead(job: JobRecord): number {
    this.refresh(job);
    const jobs = new Set<JobRecord>();
    for (const others of [this.front().toArray(), this.#rest])
      for (const other of others) if (isAhead(other, job) && this.#isServiceable(other)) jobs.add(other.owner ?? other);
    jobs.delete(job.owner ?? job);
    return jobs.size;
  }

  #arrive(job: JobRecord): void {
    job.place = 'front';
    if (job.isArrival) return;
    job.isArrival = true;
    this.#arrivals.push(job);
    if (this.#arrivals.length > 2 * this.#front.length + ARRIVALS_SPARE) this.#dropGoneArrivals();
  }

  /** Where nobody has to wait nobody takes arrivals, and the list would keep every job that ever came. */
  #dropGoneArrivals(): void {
    let kept = 0;
    for (const job of this.#arrivals) {
      if (job.place === 'front') this.#arrivals[kept++] = job;
      else job.isArrival = false;
    }
    this.#arrivals.length = kept;
  }

  #pushLastBack(): void {
    const last = this.#front.last();
    if (last === undefined) return;
    this.#front.removeAt(this.#front.length - 1);
    this.#pushRest(last);
  }

  #pushRest(job: JobRecord): void {
    job.place = 'rest';
    this.#rest.push(job);
  }

  #setAside(job: JobRecord): void {
    job.place = 'aside';
    this.#aside.add(job);
  }

  #refill(): void {
    while (this.#front.length < this.#depth) {
      const job = this.#rest.pop();
      if (job === undefined) return;
      if (this.#isServiceable(job)) {
        this.#front.insert(job);
        this.#arrive(job);
      } else this.#setAside(job);
    }
  }
}
