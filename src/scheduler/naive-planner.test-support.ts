/** A pending or running job as the naive planner sees it. Times in seconds. */
export interface PlannedJob {
  id: number;
  nodes: number;
  gpus: number;
  cpus: number;
  limit: number;
  user: string;
  partition: string;
  /** For how long it has waited. */
  waited: number;
  /** By index, while it runs; with the second of its start. */
  on: number[] | null;
  start: number;
}

export interface Plan {
  gpusPerNode: number;
  /** CPUs of a node that the jobs of a partition have together. */
  cpusOf: Readonly<Record<string, number>>;
  nodeCount: number;
  /** Of each node. */
  weights: readonly number[];
  now: number;
  resolution: number;
  window: number;
  /** How many jobs a pass looks at: of a user, of a partition, of a user in a partition; 0 for all. */
  perUser: number;
  perPartition: number;
  perUserPartition: number;
  /** So many jobs of a partition have reservations; 0: all. Those that have waited less have none. */
  reservedPerPartition: number;
  waitedMin: number;
  /** Starts of a pass of backfill; 0: any number. */
  startsMax: number;
  /** Jobs of a partition that the main scheduler looks at, and starts; 0: any number. */
  mainDepth: number;
  mainStartsMax: number;
  /** In the order of the queue; a job that may run in several partitions is there once for each. */
  pending: readonly PlannedJob[];
  running: readonly PlannedJob[];
}

/** The main scheduler and a pass of backfill after it. Returns which jobs start and where. */
export function naivePasses(plan: Plan): Map<number, number[]> {
  const running = [...plan.running];
  const started = new Map<number, number[]>();
  const looked = new Map<string, number>();
  const all = Array.from({ length: plan.nodeCount }, (_, node) => node);
  for (const job of plan.pending) {
    if (plan.mainStartsMax > 0 && started.size >= plan.mainStartsMax) break;
    if (started.has(job.id)) continue;
    const count = (looked.get(job.partition) ?? 0) + 1;
    looked.set(job.partition, count);
    if (plan.mainDepth > 0 && count > plan.mainDepth) continue;
    const prospect = predict(plan, running, job, all);
    if (prospect?.start === plan.now) {
      started.set(job.id, prospect.on);
      running.push({ ...job, on: prospect.on, start: plan.now });
    } else if (job.waited >= plan.waitedMin) break;
  }
  const pending = plan.pending.filter(({ id }) => !started.has(id));
  return new Map([...started, ...naivePass({ ...plan, pending, running })]);
}

/**
 * One pass of Slurm's backfill, told in the plainest way there is: second by second, node by node, nothing kept from one job to the next but
 * who has reserved which node when. Returns which jobs start and where.
 */
function naivePass(plan: Plan): Map<number, number[]> {
  const { now, resolution } = plan;
  const floor = (time: number) => Math.floor(time / resolution) * resolution;
  const running = [...plan.running];
  const reserved: { node: number; from: number; to: number }[] = [];
  let edges: number[] = [];
  const isFree = (node: number, from: number, to: number) =>
    !reserved.some((one) => one.node === node && one.to > from && one.from <= to);
  const started = new Map<number, number[]>();
  const all = Array.from({ length: plan.nodeCount }, (_, node) => node);
  const looked = new Map<string, number>();
  const reservedOf = new Map<string, number>();
  for (const job of plan.pending) {
    if (plan.startsMax > 0 && started.size >= plan.startsMax) break;
    if (started.has(job.id)) continue;
    const { user, partition } = job;
    const limits = [
      { key: `user ${user}`, max: plan.perUser },
      { key: `partition ${partition}`, max: plan.perPartition },
      { key: `both ${user} ${partition}`, max: plan.perUserPartition },
    ];
    if (limits.some(({ key, max }) => max > 0 && (looked.get(key) ?? 0) >= max)) continue;
    for (const { key } of limits) looked.set(key, (looked.get(key) ?? 0) + 1);
    const reservations = reservedOf.get(partition) ?? 0;
    const isFull = plan.reservedPerPartition > 0 && reservations >= plan.reservedPerPartition;
    const isNowOnly = isFull || job.waited < plan.waitedMin;
    for (let from = now, isDone = false; !isDone; ) {
      const to = from + job.limit;
      const usable = all.filter((node) => isFree(node, from, to));
      // The next edge after `from` behind which a node is free that is not among those looked at up to there.
      const later = edges.find((edge) => {
        if (edge <= from) return false;
        const upTo = all.filter((node) => isFree(node, from, Math.min(edge - 1, to)));
        return all.some((node) => isFree(node, edge, edge) && !upTo.includes(node));
      });
      isDone = later === undefined;
      const prospect = predict(plan, running, job, usable);
      if (prospect !== null) {
        const start = Math.max(prospect.start, from);
        if (start === now) {
          started.set(job.id, prospect.on);
          running.push({ ...job, on: prospect.on, start: now });
          break;
        }
        if (isNowOnly) break;
        if (later === undefined || start <= later) {
          const begin = floor(start);
          const end = Math.max(floor(start + job.limit), begin + resolution);
          if (start > now + plan.window) break;
          if (prospect.on.every((node) => isFree(node, begin, floor(start + job.limit) - 1))) {
            for (const node of prospect.on) reserved.push({ node, from: begin, to: end });
            reservedOf.set(partition, reservations + 1);
            edges = withoutOne(
              [...new Set([...edges, begin, end])].sort((a, b) => a - b),
              begin,
              end,
              (edge) => all.every((node) => isFree(node, edge - 1, edge - 1) === isFree(node, edge, edge)),
            );
            break;
          }
          isDone = false;
          from = start;
          continue;
        }
      }
      if (isNowOnly) break;
      from = later ?? from;
    }
  }
  return started;
}

/** Of the edges from the one before `begin` to `end`, the first at which nothing changes is forgotten. */
function withoutOne(edges: readonly number[], begin: number, end: number, isNothing: (edge: number) => boolean) {
  const before = edges.findLast((edge) => edge < begin) ?? begin;
  const dropped = edges.find((edge) => edge >= before && edge <= end && isNothing(edge));
  return edges.filter((edge) => edge !== dropped);
}

function predict(plan: Plan, running: readonly PlannedJob[], job: PlannedJob, usable: readonly number[]) {
  const endOf = ({ start, limit }: PlannedJob) => start + limit;
  const gone = new Set<PlannedJob>();
  const freeOn = (node: number) =>
    plan.gpusPerNode - running.reduce((sum, one) => sum + (one.on?.includes(node) && !gone.has(one) ? one.gpus : 0), 0);
  const ofPartition = running.filter(({ partition }) => partition === job.partition);
  const cpusOn = (node: number) =>
    ofPartition.reduce((sum, one) => sum + (one.on?.includes(node) && !gone.has(one) ? one.cpus : 0), 0);
  const cpusMax = plan.cpusOf[job.partition] ?? Infinity;
  const place = () =>
    naivePlace(
      usable.filter((node) => freeOn(node) >= job.gpus && cpusOn(node) + job.cpus <= cpusMax),
      job.nodes,
      plan.weights,
    );
  const atOnce = place();
  if (atOnce !== null) return { start: plan.now, on: atOnce };
  const list = running.toSorted((a, b) => endOf(a) - endOf(b) || a.id - b.id);
  const matters = list.map(({ on }) => on?.some((node) => usable.includes(node)) ?? false);
  const first = matters.indexOf(true);
  const base = first < 0 ? 0 : Math.floor(endOf(list[first] ?? job) / 30) * 30 + 30;
  let batch = 30;
  for (let at = 0; at < list.length; ) {
    let last: PlannedJob | null = null;
    while (at < list.length) {
      const one = list[at];
      if (one === undefined) break;
      if (last !== null && list[at - 1] === last && endOf(one) > base + batch) break;
      if (matters[at]) {
        gone.add(one);
        last = one;
      }
      at += 1;
    }
    if (last === null) return null;
    const next = list[at];
    const nextEnd = next === undefined ? -Infinity : endOf(next);
    do batch *= 2;
    while (nextEnd > base + batch);
    const on = place();
    if (on === null) continue;
    const end = endOf(last);
    return { start: end <= plan.now ? Math.max(end + 30, plan.now + 1) : end, on };
  }
  return null;
}

/**
 * Of nodes with room, ascending, those of the lowest weight first: of them the shortest run of neighbours with enough for what is missing, else the
 * longest, the first of equals.
 */
function naivePlace(nodes: readonly number[], count: number, weights: readonly number[]): number[] | null {
  if (nodes.length < count) return null;
  const chosen: number[] = [];
  for (const weight of [...new Set(weights)].sort((a, b) => a - b)) {
    const runs: number[][] = [];
    for (const node of nodes.filter((one) => weights[one] === weight)) {
      if (runs.at(-1)?.at(-1) === node - 1) runs.at(-1)?.push(node);
      else runs.push([node]);
    }
    while (chosen.length < count && runs.length > 0) {
      const missing = count - chosen.length;
      const enough = runs.filter((run) => run.length >= missing);
      const best =
        enough.length > 0
          ? enough.reduce((a, b) => (b.length < a.length ? b : a))
          : runs.reduce((a, b) => (b.length > a.length ? b : a));
      chosen.push(...best.splice(0, missing));
      runs.splice(runs.indexOf(best), 1);
    }
  }
  return chosen.sort((a, b) => a - b);
}
