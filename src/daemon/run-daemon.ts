import { hostname } from 'node:os';
import { faultPoint } from '../backend/local/fault-points.ts';
import { readBootId } from '../backend/local/process-table.ts';
import type { Backend, Log } from '../backend/port.ts';
import type { LemonList } from '../contract/api.ts';
import type { SchedulerType } from '../scheduler/policy.ts';
import { type HomeLock, lockHome } from '../store/home-lock.ts';
import { Store } from '../store/store.ts';
import { Accounting } from './accounting.ts';
import { createApp } from './app.ts';
import type { DaemonContext } from './context.ts';
import { hostsOf } from './guard.ts';
import { HealthWatch, type HealthWatchOptions } from './nodes/health-watch.ts';
import { asHomeError, highestJobFolder, type Home, openHome, removeDaemonFile, writeDaemonFile } from './home.ts';
import { JobBook } from './job-book.ts';
import { LemonWatch } from './nodes/lemon-watch.ts';
import { Forecaster } from './forecast/forecaster.ts';
import { HangWatch } from './hang-watch.ts';
import type { IdleChecks } from './nodes/idle-checks.ts';
import { type Listener, listen } from './listen.ts';
import { recordedPolicy, toRecord } from './live-policy.ts';
import { Measurements } from './measurements/measurements.ts';
import { NodeBook } from './nodes/node-book.ts';
import type { NodeReports } from './nodes/node-reports.ts';
import { version } from './package.ts';
import { loadToken } from './token.ts';
import { userName } from './user-name.ts';
import { UsedBefore } from './used-before.ts';
import { type BackendParts, localWorld, type World } from './world.ts';
import { idleChecks, readReports } from './world-checks.ts';
import { type SlurmOptions, slurmWorld } from './slurm-world.ts';

export interface DaemonOptions {
  /** Folder for everything; made where missing. */
  home: string;
  /** Address to listen on; anything but loopback lets other machines in that know the token. */
  host?: string;
  /** 0: any free port. Absent: 7077 or the next free one. */
  port?: number;
  /** Virtual nodes, where no cluster file says it. */
  nodeCount?: number;
  /** Path of a cluster file. */
  clusterFile?: string;
  /** The default policy with this; absent: backfill. */
  schedulerType?: SchedulerType;
  /** Path of a policy file, or `default`; absent: what the home went by last. */
  policyFile?: string;
  /** Jobs go to this Slurm; absent: they run on this machine. */
  slurm?: SlurmOptions;
  /** Checks of this machine, or of idle nodes of Slurm; absent: none. */
  health?: HealthWatchOptions;
  log?: Log;
  /** Called once it has stopped. */
  onClosed?: () => void;
  /** Called when the daemon has been asked to stop over the API. */
  onShutdownRequest?: (cancel: boolean) => void;
}

export interface Daemon {
  url: string;
  token: string;
  home: string;
  /**
   * Stops: what is on its way to the disk is finished, running jobs run on and are found again at the next start. With `cancel` all jobs
   * are cancelled first, and nothing of them is left when this resolves.
   */
  close(options?: { cancel?: boolean }): Promise<void>;
}

/** Starts a daemon in this process. Resolves once it has recovered its jobs and listens; `daemon.json` then says where. */
export async function runDaemon(options: DaemonOptions): Promise<Daemon> {
  const host = options.host ?? '127.0.0.1';
  const world = options.slurm === undefined ? await localWorld(options) : await slurmWorld(options.home, options.slurm);
  const home = openHome(options.home, world.jobsFolder);
  let fetch = (_request: Request): Response | Promise<Response> =>
    Response.json({ error: { code: 'ORR_UNREACHABLE', message: 'the daemon is starting' } }, { status: 503 });
  let lock: HomeLock | undefined;
  let listener: Listener | undefined;
  let running: RunningDaemon | undefined;
  try {
    const held = lockHome(home.folder);
    lock = held;
    world.keepSettings?.();
    const token = loadToken(home.token);
    // Before anything is started, so that a taken port leaves everything as it was.
    listener = await listen((request) => fetch(request), host, options.port ?? null);
    running = await RunningDaemon.start({
      home,
      token,
      host,
      listener,
      world,
      options,
      release: () => held.release(),
    });
    const app = createApp(running.context);
    fetch = (request) => app.fetch(request);
    running.announce();
    return running;
  } catch (error) {
    if (running !== undefined) {
      await running.close();
    } else {
      await listener?.close();
      lock?.release();
    }
    throw asHomeError(error, home.folder);
  }
}

interface Parts {
  home: Home;
  token: string;
  host: string;
  listener: Listener;
  world: World;
  options: DaemonOptions;
  release: () => void;
}

class RunningDaemon implements Daemon {
  readonly url: string;
  readonly token: string;
  readonly home: string;
  readonly context: DaemonContext;
  readonly #parts: Parts;
  readonly #stopping = new AbortController();
  readonly #health: HealthWatch | null;
  readonly #idleChecks: IdleChecks | null;
  readonly #reports: NodeReports | null;
  readonly #hangs: HangWatch;
  #closed: Promise<void> | undefined;

  static async start(parts: Parts): Promise<RunningDaemon> {
    const { home, world, options } = parts;
    const log = options.log ?? { info: () => undefined, error: () => undefined };
    const store = new Store(home.store, { faultPoint });
    try {
      const policy = world.policy ?? recordedPolicy(store.lastStart(), world.specs);
      const lastFolder = highestJobFolder(home);
      if (lastFolder > store.lastJobId) {
        const [first, last] = [store.lastJobId + 1, lastFolder];
        log.error(
          { first, last },
          'jobs have folders and are not in the store, an older copy? Their ids are not given again',
        );
        store.skipJobIds(lastFolder);
      }
      const measurements = new Measurements();
      const usedBefore = new UsedBefore(store, policy.policy);
      const made: BackendParts = { home, policy, store, usedBefore, measurements, log };
      const backend = world.createBackend(made);
      const book = new JobBook(store, backend, home, policy.policy);
      const accounting = new Accounting(store, home.metrics);
      store.subscribe((entries, commitMs) => {
        accounting.follow(entries);
        usedBefore.follow(entries);
        measurements.commits.observe(commitMs / 1000);
        measurements.journal.count(entries, (jobId) => book.find(jobId));
      });
      if (store.backupPath !== null) log.info({ backup: store.backupPath }, 'copied the store before its migration');
      const nowMs = Date.now();
      store.recordStart({ atMs: nowMs, version, cluster: world.clusterName, ...toRecord(policy) });
      for (const remark of policy.remarks) log.info({ policy: policy.name }, remark);
      const records = store.recoveryRecords();
      await backend.start(records, usedBefore.at(nowMs));
      log.info({ records: records.length, jobs: store.liveJobCount }, 'recovered');
      return new RunningDaemon(parts, made, backend, book, accounting);
    } catch (error) {
      store.close();
      throw error;
    }
  }

  private constructor(parts: Parts, made: BackendParts, backend: Backend, book: JobBook, accounting: Accounting) {
    const { token, host, listener, world, options } = parts;
    const { home, policy, store, measurements, log } = made;
    this.#parts = parts;
    this.token = token;
    this.home = home.folder;
    this.url = `http://${host.includes(':') ? `[${host}]` : host}:${listener.port}`;
    const hosts = hostsOf(host, listener.port);
    this.#hangs = new HangWatch(store, backend, home, log);
    const { gpusOfNode } = world;
    this.#health =
      options.health === undefined || gpusOfNode === undefined
        ? null
        : new HealthWatch({
            ...options.health,
            store,
            backend,
            gpusOfNode,
            onResults: measurements.healthResults,
            log,
          });
    this.#idleChecks = options.health === undefined ? null : idleChecks(world, options.health, backend, log);
    const reports = world.reports === undefined ? null : readReports(world.reports, store, backend, measurements, log);
    this.#reports = reports;
    const sourceOfXids = (): LemonList['xids'] => {
      if (reports !== null) return { source: 'reports', folder: reports.folder, ...reports.summary() };
      return { source: this.#health === null ? 'none' : 'machine' };
    };
    const lemonInput = { store, backend, isDraining: policy.isDrainingLemons, sourceOfXids, log };
    const lemons = new LemonWatch(lemonInput, Date.now());
    this.context = {
      store,
      backend,
      book,
      accounting,
      forecaster: new Forecaster(
        backend,
        (job) => world.forecastSource(job, backend, made),
        (ms) => measurements.forecasts.observe(ms / 1000),
      ),
      lemons,
      nodes: new NodeBook({ store, backend, lemons, reports, policy: policy.policy }),
      home,
      token,
      version,
      cluster: world.clusterName,
      policy,
      user: userName(),
      startMs: Date.now(),
      measurements,
      log,
      now: Date.now,
      stopping: this.#stopping.signal,
      hosts: () => hosts,
      shutdown: (cancel) => {
        options.onShutdownRequest?.(cancel);
        // After the answer has left.
        setImmediate(() => void this.close({ cancel }));
      },
    };
  }

  announce(): void {
    const { home, startMs, log } = this.context;
    writeDaemonFile(home, {
      pid: process.pid,
      url: this.url,
      home: home.folder,
      version,
      startTime: startMs / 1000,
      policy: this.context.policy.name,
      host: hostname(),
      bootId: readBootId(),
    });
    log.info({ url: this.url, home: home.folder, cluster: this.context.cluster }, 'listening');
  }

  close({ cancel = false }: { cancel?: boolean } = {}): Promise<void> {
    this.#closed ??= this.#close(cancel);
    return this.#closed;
  }

  async #close(cancel: boolean): Promise<void> {
    const { store, backend, home, lemons, log } = this.context;
    if (cancel) await cancelAll(this.context);
    this.#hangs.close();
    lemons.close();
    this.#health?.close();
    this.#reports?.close();
    await this.#idleChecks?.close();
    await backend.stop();
    this.#stopping.abort();
    await this.#parts.listener.close();
    store.close();
    removeDaemonFile(home);
    this.#parts.release();
    log.info({}, cancel ? 'stopped; all jobs were cancelled' : 'stopped; running jobs run on');
    this.#parts.options.onClosed?.();
  }
}

/** Cancels every job, also those that come in meanwhile, and waits until nothing runs. */
async function cancelAll({ store, backend }: DaemonContext): Promise<void> {
  const asked = new Set<number>();
  while (store.liveJobCount > 0) {
    const news = new Promise<void>((resolve) => {
      const unsubscribe = store.subscribe(() => {
        unsubscribe();
        resolve();
      });
    });
    const pending = [...store.liveJobs()].filter((job) => !asked.has(job.jobId));
    for (const { jobId } of pending) asked.add(jobId);
    await Promise.all(pending.map(({ jobId }) => backend.cancel(jobId)));
    if (store.liveJobCount > 0) await news;
  }
}
