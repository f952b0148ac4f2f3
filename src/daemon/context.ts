import type { Backend, Log } from '../backend/port.ts';
import type { Store } from '../store/store.ts';
import type { Accounting } from './accounting.ts';
import type { Forecaster } from './forecast/forecaster.ts';
import type { Home } from './home.ts';
import type { JobBook } from './job-book.ts';
import type { LemonWatch } from './nodes/lemon-watch.ts';
import type { LivePolicy } from './live-policy.ts';
import type { Measurements } from './measurements/measurements.ts';
import type { NodeBook } from './nodes/node-book.ts';

/** What the routes of the API work with. */
export interface DaemonContext {
  readonly store: Store;
  readonly backend: Backend;
  readonly book: JobBook;
  readonly nodes: NodeBook;
  readonly home: Home;
  readonly token: string;
  readonly version: string;
  readonly cluster: string;
  readonly policy: LivePolicy;
  /** For whom jobs count that do not say. */
  readonly user: string;
  readonly startMs: number;
  readonly accounting: Accounting;
  readonly forecaster: Forecaster;
  readonly lemons: LemonWatch;
  readonly measurements: Measurements;
  readonly log: Log;
  readonly now: () => number;
  /** Aborted when the daemon stops: streams end. */
  readonly stopping: AbortSignal;
  /** Begins to stop; returns at once. */
  readonly shutdown: (cancel: boolean) => void;
  /** `Host` headers that mean this daemon. */
  readonly hosts: () => ReadonlySet<string>;
}
