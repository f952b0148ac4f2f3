import type { Backend } from '../../backend/port.ts';
import { unknownNode } from '../../backend/unknown-node.ts';
import type { NodeDetail, NodeSummary } from '../../contract/api.ts';
import { xidEntry } from '../../health/xid-table.ts';
import type { Policy } from '../../scheduler/policy.ts';
import type { NodeView, SchedulerEvent } from '../../scheduler/types.ts';
import type { Store } from '../../store/store.ts';
import { type LemonWatch, WINDOW_DAYS } from './lemon-watch.ts';
import type { NodeReports } from './node-reports.ts';
import { nodeOutageOf } from './outage-words.ts';

const DAY_MS = 86_400_000;
/** Of what happened to a node the newest. */
const HISTORY_MAX = 200;

export interface NodeBookOptions {
  store: Store;
  backend: Backend;
  lemons: LemonWatch;
  policy: Policy;
  /** Null: nodes leave none. */
  reports: NodeReports | null;
}

/** Nodes as the API shows them. */
export class NodeBook {
  readonly #options: NodeBookOptions;

  constructor(options: NodeBookOptions) {
    this.#options = options;
  }

  summaries(): NodeSummary[] {
    return this.#options.backend.nodes().map((node) => toSummary(node, this.#options.policy));
  }

  /** Throws ORR_NOT_FOUND. */
  summary(nodeName: string): NodeSummary {
    const nodes = this.#options.backend.nodes();
    const node = nodes.find(({ spec }) => spec.name === nodeName);
    if (node === undefined) {
      throw unknownNode(
        nodeName,
        nodes.map(({ spec }) => spec.name),
      );
    }
    return toSummary(node, this.#options.policy);
  }

  /** Throws ORR_NOT_FOUND. */
  detail(nodeName: string, nowMs: number): NodeDetail {
    const { store, lemons, reports } = this.#options;
    const summary = this.summary(nodeName);
    const sinceMs = nowMs - WINDOW_DAYS * DAY_MS;
    const history: NodeDetail['history'] = [];
    for (const event of store.nodeEvents(nodeName, sinceMs)) {
      const words = happened(event);
      if (words !== null) history.push({ atTime: event.atMs / 1000, words });
    }
    // XID errors are told of later than they came.
    history.sort((a, b) => a.atTime - b.atTime);
    const { isLemon = false, evidence = [] } = lemons.of(nodeName, nowMs) ?? {};
    return {
      ...summary,
      isLemon,
      windowDays: WINDOW_DAYS,
      evidence: [...evidence],
      history: history.slice(-HISTORY_MAX),
      report: reports?.latest(nodeName) ?? null,
    };
  }
}

function happened(event: SchedulerEvent): string | null {
  switch (event.kind) {
    case 'NodeFailed':
      return `down: ${event.reason}`;
    case 'NodeDrained':
      return `drained: ${event.reason}`;
    case 'NodeAvoided':
      return event.reason === null ? 'our jobs no longer keep off it' : `our jobs keep off it: ${event.reason}`;
    case 'NodeResumed':
      return 'back in service';
    case 'TicketOpened':
      return `ticket: ${event.reason}`;
    case 'XidSeen':
      return `XID ${event.xid} (${xidEntry(event.xid)?.meaning ?? 'not in the table'})`;
    default:
      return null;
  }
}

function toSummary(view: NodeView, { partitions }: Policy): NodeSummary {
  const { spec, state, free, reason, jobIds } = view;
  const named = partitions.filter(({ nodes }) => nodes?.includes(spec.name) !== false).map(({ name }) => name);
  return {
    name: spec.name,
    state,
    reason,
    outage: nodeOutageOf(view),
    cpus: spec.resources.cpus,
    cpusFree: free.cpus,
    memoryBytes: spec.resources.memoryBytes,
    memoryFreeBytes: free.memoryBytes,
    gpus: spec.resources.gpus,
    gpusFree: free.gpus,
    gpuType: spec.gpuType,
    partitions: [...(view.partitions ?? named)],
    jobs: [...jobIds],
  };
}
