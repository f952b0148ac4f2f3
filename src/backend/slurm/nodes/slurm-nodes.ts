import { OrreryError } from '../../../contract/errors.ts';
import type { NodeView } from '../../../scheduler/types.ts';
import { AVOIDED_REASON, type JobSource } from '../../port.ts';
import { unknownNode } from '../../unknown-node.ts';
import type { KnownCluster } from './known-cluster.ts';
import type { MirrorJob } from '../mirror/mirror-job.ts';
import type { MirrorState } from '../mirror/mirror-state.ts';
import { RESUME } from './node-action.ts';
import type { SlurmReservations } from './reservations.ts';
import { SparedNodes } from './spared-nodes.ts';
import { nodeChanges, downOrDrained } from '../mirror/node-mirror.ts';
import { parseNodes, SHOW_NODES, type SlurmNode } from '../output/scontrol-text.ts';
import type { SlurmCommands } from '../slurm-commands.ts';
import { SlurmFailure } from '../slurm-failure.ts';

/** Between two questions about nodes that nobody asked for. */
const PAUSE_MS_MIN = 15_000;
/** It takes at most one part in so many of slurmctld's time, */
const PAUSE_PER_CALL = 100;
/** but is asked after so long: a single answer may have waited for a slurmctld that was being started. */
const PAUSE_MS_MAX = 120_000;

export interface SlurmNodesOptions {
  commands: SlurmCommands;
  /** The same for what somebody waits for. */
  prompt: Pick<SlurmCommands, 'run'>;
  state: MirrorState;
  cluster: KnownCluster;
  jobs: JobSource;
  reservations: Pick<SlurmReservations, 'seen' | 'refresh'>;
  /** As whom the commands run. */
  user: string;
  now: () => number;
}

/** The nodes of the cluster: what Slurm shows of them, what the journal has of that, and what Slurm is asked to do with them. */
export class SlurmNodes {
  readonly #options: SlurmNodesOptions;
  #seen: readonly SlurmNode[];
  /** By the clock of the process: the other may be set back. */
  #dueMs = 0;
  /** Questions about nodes so far, which may be answered in another order. */
  #asked = 0;
  /** The last one whose answer was taken. */
  #taken = 0;
  readonly #spared: SparedNodes;

  constructor(options: SlurmNodesOptions) {
    this.#options = options;
    this.#seen = options.cluster.view.nodes;
    this.#spared = new SparedNodes(options.jobs);
  }

  /** As last seen. */
  get seen(): readonly SlurmNode[] {
    return this.#seen;
  }

  /** Those that do not answer slurmctld, as last seen. */
  get silent(): ReadonlySet<string> {
    return new Set(this.#seen.flatMap(({ spec, isSilent }) => (isSilent ? [spec.name] : [])));
  }

  /** Journals what the cluster looked like when the daemon asked at its start. */
  async start(): Promise<void> {
    this.#dueMs = performance.now() + PAUSE_MS_MIN;
    await this.#journal(this.#seen);
  }

  /** Asks again if the last time is a while ago. Throws SlurmFailure. */
  async refreshIfDue(): Promise<void> {
    if (performance.now() >= this.#dueMs) await this.refresh();
  }

  /** Asks how the nodes are and journals what has changed. Throws SlurmFailure. */
  async refresh(): Promise<void> {
    const { commands, state, cluster } = this.#options;
    const startedAt = performance.now();
    this.#asked += 1;
    const turn = this.#asked;
    const text = await commands.run('scontrol', SHOW_NODES).catch((error: unknown) => {
      // Not shown to this user (`PrivateData=nodes`): that is how it stays, and jobs run.
      if (error instanceof SlurmFailure && error.kind === 'permission') return '';
      throw error;
    });
    const nodes = parseNodes(text);
    const restMs = Math.min(PAUSE_MS_MAX, (performance.now() - startedAt) * PAUSE_PER_CALL);
    this.#dueMs = performance.now() + Math.max(PAUSE_MS_MIN, restMs);
    await cluster.follow(nodes);
    // Of the nodes that are reserved for it a job keeps enough.
    const isAnyReserved = [...state.jobs.values()].some(({ request, failedNodes }) => {
      return request.reservation !== undefined && failedNodes.length + state.avoided.size > 0;
    });
    if (isAnyReserved) await this.#options.reservations.refresh().catch(() => undefined);
    await state.exclusively(async () => {
      // Whoever asked later has his answer already: this one is of before a node was drained or resumed, say.
      if (turn < this.#taken) return;
      this.#taken = turn;
      this.#seen = nodes;
      await this.#journal(nodes);
    });
  }

  /** Throws ORR_NOT_FOUND, ORR_REFUSED where Slurm does not let this user, or SlurmFailure. */
  async drain(nodeName: string, reason: string): Promise<void> {
    await this.#update(nodeName, 'drain', ['State=DRAIN', `Reason=${reason.replaceAll('\n', ' ')}`]);
  }

  /** What is submitted from now on keeps off the node, and so does what waits, until it is resumed. Throws ORR_NOT_FOUND. */
  async avoid(nodeName: string, reason: string): Promise<void> {
    const { state, now } = this.#options;
    this.expect(nodeName);
    await state.exclusively(async () => {
      if (state.avoided.get(nodeName) === reason) return;
      await state.commit([{ event: { kind: 'NodeAvoided', atMs: now(), nodeName, reason } }]);
    });
  }

  /**
   * Our jobs no longer keep off it; where nothing else keeps jobs off it Slurm is not asked. One that is in service stays so. Throws as `drain` does,
   * and ORR_CONFLICT for a state out of which Slurm lets nobody resume it.
   */
  async resume(nodeName: string): Promise<void> {
    const { state, now } = this.#options;
    if (state.avoided.has(nodeName)) {
      const event = { kind: 'NodeAvoided', atMs: now(), nodeName, reason: null } as const;
      await state.exclusively(() => state.commit([{ event }]));
      if (state.nodes.get(nodeName)?.outage === null) return;
    }
    try {
      await this.#update(nodeName, 'resume', RESUME);
    } catch (error) {
      if (!(error instanceof OrreryError) || error.code === 'ORR_UNREACHABLE') throw error;
      await this.#expectInService(nodeName, error);
    }
  }

  /** Slurm refuses to resume a node that needs it not, in the words for one that cannot be. Throws what it said where the node is out. */
  async #expectInService(nodeName: string, refusal: OrreryError): Promise<void> {
    await this.refresh();
    const node = this.#seen.find(({ spec }) => spec.name === nodeName);
    if (node === undefined || downOrDrained(node.state) === null) return;
    if (refusal.code === 'ORR_REFUSED') throw refusal;
    const why = node.reason === null ? '' : ` (${node.reason})`;
    throw new OrreryError(
      'ORR_CONFLICT',
      `Slurm does not resume node ${nodeName}, which is ${node.slurmState}${why}: scontrol show node ${nodeName} says more`,
      { cause: refusal },
    );
  }

  views(): NodeView[] {
    const { state } = this.#options;
    const seen = new Map(this.#seen.map((node) => [node.spec.name, node]));
    const jobIds = new Map<string, number[]>();
    for (const { request, live } of state.jobs.values()) {
      for (const { nodeName } of live?.placement ?? []) {
        const ids = jobIds.get(nodeName);
        if (ids === undefined) jobIds.set(nodeName, [request.jobId]);
        else ids.push(request.jobId);
      }
    }
    return [...state.nodes.values()].map(({ spec, reason }): NodeView => {
      const avoided = state.avoided.get(spec.name);
      const node = seen.get(spec.name);
      const allocated = node?.allocated ?? { cpus: 0, memoryBytes: 0, gpus: 0 };
      return {
        spec,
        state: node?.state ?? 'down',
        free: {
          cpus: Math.max(0, spec.resources.cpus - allocated.cpus),
          memoryBytes: Math.max(0, spec.resources.memoryBytes - allocated.memoryBytes),
          gpus: Math.max(0, spec.resources.gpus - allocated.gpus),
        },
        reason: node?.reason ?? reason ?? (avoided === undefined ? null : `${AVOIDED_REASON}${avoided}`),
        jobIds: jobIds.get(spec.name) ?? [],
        ...(node !== undefined && { partitions: node.partitions, isPoweredDown: node.isPoweredDown === true }),
      };
    });
  }

  /** Nodes that failed the job, and nodes that all jobs keep off, as long as it has enough others that are in service. */
  spareable(job: MirrorJob): readonly string[] {
    const { state, cluster, reservations } = this.#options;
    const known = { view: cluster.view, nodes: this.#seen, reservations: reservations.seen };
    return this.#spared.of(job, state.avoided.keys(), known);
  }

  async #journal(nodes: readonly SlurmNode[]): Promise<void> {
    const { state, now } = this.#options;
    await state.commit(nodeChanges(state.nodes, nodes, now()).map((event) => ({ event })));
  }

  async #update(nodeName: string, verb: 'drain' | 'resume', fields: readonly string[]): Promise<void> {
    const { prompt, user } = this.#options;
    this.expect(nodeName);
    try {
      await prompt.run('scontrol', ['update', `NodeName=${nodeName}`, ...fields]);
    } catch (error) {
      if (!(error instanceof SlurmFailure) || error.kind !== 'permission') throw error;
      const instead = verb === 'drain' ? `; jobs keep off ${nodeName} with --exclude ${nodeName}` : '';
      throw new OrreryError(
        'ORR_REFUSED',
        `Slurm does not let ${user} ${verb} nodes: ask an operator for it${instead}`,
        { cause: error },
      );
    }
    await this.refresh();
  }

  /** Throws ORR_NOT_FOUND. */
  expect(nodeName: string): void {
    const { nodes } = this.#options.state;
    if (!nodes.has(nodeName)) throw unknownNode(nodeName, [...nodes.keys()]);
  }
}
