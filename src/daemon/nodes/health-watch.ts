import { hostname } from 'node:os';
import type { Backend, Log } from '../../backend/port.ts';
import { isInService } from '../../cluster/node.ts';
import type { HealthExpectation, HealthReport, XidError } from '../../contract/health.ts';
import { thisMachine } from '../../health/machine.ts';
import { runChecks } from '../../health/run-checks.ts';
import { chosenChecks } from '../../health/suite.ts';
import { drainReason, HEALTH_REASON, isBad, isWell } from '../../health/verdict.ts';
import type { NodeView } from '../../scheduler/types.ts';
import type { Store } from '../../store/store.ts';
import type { LocalNodes } from './local-nodes.ts';
import { XidJournal } from './xid-journal.ts';

export interface HealthWatchOptions {
  intervalMs: number;
  expect: HealthExpectation;
  /** Where that was read. */
  expectFile?: string;
}

export interface HealthWatchInput extends HealthWatchOptions {
  store: Store;
  backend: Backend;
  gpusOfNode: LocalNodes['gpusOfNode'];
  /** Told what each run found. */
  onResults?: (results: HealthReport['results']) => void;
  log: Log;
}

/**
 * Checks this machine now and then. All virtual nodes are it: one critical finding drains them all, and they are given back once nothing is left
 * open. Nodes that somebody else drained or failed are left alone. XID errors are journalled, for the lemon detector.
 */
export class HealthWatch {
  readonly #input: HealthWatchInput;
  readonly #timer: NodeJS.Timeout;
  readonly #machine = thisMachine();
  readonly #xids: XidJournal;
  #isClosed = false;
  #running: Promise<void> | null = null;

  constructor(input: HealthWatchInput) {
    this.#input = input;
    this.#xids = new XidJournal(input.store);
    this.#timer = setInterval(() => void this.check(), input.intervalMs);
    this.#timer.unref();
    void this.check();
  }

  /** Never rejects. A check that is under way is not begun a second time. */
  check(): Promise<void> {
    this.#running ??= this.#check().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  /** What is under way has no effect any more. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#machine.stop();
  }

  async #check(): Promise<void> {
    const { expect, log } = this.#input;
    try {
      const checks = chosenChecks(expect, { occasion: 'healthcheck' });
      const input = { checks, machine: this.#machine, expect, occasion: 'healthcheck' as const, node: hostname() };
      const report = await runChecks(input);
      if (this.#isClosed) return;
      this.#input.onResults?.(report.results);
      const bad = report.results.filter(isBad);
      if (bad.length > 0) log.info({ status: report.status, results: bad }, 'health checks');
      await this.#recordXids(report);
      await this.#settle(report);
    } catch (error) {
      if (!this.#isClosed) log.error({ err: error }, 'the health checks had no effect');
    }
  }

  async #settle(report: HealthReport): Promise<void> {
    const { backend } = this.#input;
    const reason = drainReason(report);
    for (const node of backend.nodes()) {
      const { name } = node.spec;
      if (reason !== null && isInService(node.state)) await backend.drain(name, reason);
      if (reason === null && isWell(report) && isOurs(node)) await backend.resumeNode(name);
    }
  }

  async #recordXids({ xids, gpuPciAddresses }: HealthReport): Promise<void> {
    await this.#xids.record(
      xids.flatMap((error) => {
        const { atMs, xid } = error;
        const names = this.#nodesOf(error, gpuPciAddresses);
        return names.map((nodeName) => ({ kind: 'XidSeen' as const, atMs, nodeName, xid }));
      }),
    );
  }

  /** The node that the GPU was dealt to; all of them where that is not known. */
  #nodesOf({ pciAddress }: XidError, gpuPciAddresses: readonly string[]): string[] {
    const names = this.#input.backend.nodes().map(({ spec }) => spec.name);
    const gpu = pciAddress === null ? -1 : gpuPciAddresses.indexOf(pciAddress);
    const owners = names.filter((name) => this.#input.gpusOfNode?.get(name)?.includes(gpu));
    return owners.length > 0 ? owners : names;
  }
}

function isOurs({ state, reason }: NodeView): boolean {
  return (state === 'draining' || state === 'drained') && reason?.startsWith(HEALTH_REASON) === true;
}
