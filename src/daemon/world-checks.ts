import type { Backend, Log } from '../backend/port.ts';
import type { Store } from '../store/store.ts';
import type { HealthWatchOptions } from './nodes/health-watch.ts';
import { IdleChecks } from './nodes/idle-checks.ts';
import { WINDOW_DAYS } from './nodes/lemon-watch.ts';
import type { Measurements } from './measurements/measurements.ts';
import { NodeReports } from './nodes/node-reports.ts';
import type { World } from './world.ts';
import { XidJournal } from './nodes/xid-journal.ts';

/** Null where the nodes are this machine, which checks itself. */
export function idleChecks(world: World, health: HealthWatchOptions, backend: Backend, log: Log): IdleChecks | null {
  const { checkNode } = world;
  if (checkNode === undefined) return null;
  const { intervalMs, expectFile } = health;
  return new IdleChecks({
    intervalMs,
    backend,
    checkNode: (nodeName, signal) => checkNode(nodeName, expectFile ?? null, signal),
    now: Date.now,
    log,
  });
}

/** Watches what nodes that are machines of their own leave of their checks. */
export function readReports(
  from: NonNullable<World['reports']>,
  store: Store,
  backend: Backend,
  measurements: Measurements,
  log: Log,
): NodeReports {
  const startMs = Date.now();
  return new NodeReports({
    ...from,
    // Those that were there already are no news.
    onReport: ({ atTime, results }) => {
      if (atTime * 1000 >= startMs) measurements.healthResults(results);
    },
    nodeNames: () => backend.nodes().map(({ spec }) => spec.name),
    xids: new XidJournal(store),
    windowDays: WINDOW_DAYS,
    now: Date.now,
    log,
  });
}
