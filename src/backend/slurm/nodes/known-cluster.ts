import type { ClusterView } from './cluster-view.ts';
import type { SlurmNode } from '../output/scontrol-text.ts';

/** Who asks within so long after it was asked last gets that answer. */
const FRESH_MS = 2_000;

/** What is known of the cluster. Operators change partitions, QOS and accounts while the daemon runs: then it is asked for again. */
export class KnownCluster {
  readonly #read: () => Promise<ClusterView>;
  readonly #now: () => number;
  #view: ClusterView;
  /** When the last answer was asked for: what an operator changed since may not be in it. */
  #askedMs = -Infinity;
  #reading: Promise<void> | null = null;

  /** `view`: as read at the start, or as last seen. */
  constructor(view: ClusterView, read: () => Promise<ClusterView>, now: () => number) {
    this.#view = view;
    this.#read = read;
    this.#now = now;
  }

  get view(): ClusterView {
    return this.#view;
  }

  /** Asks again. Throws SlurmFailure where there is no answer: what was known stays. */
  refresh(): Promise<void> {
    if (this.#now() - this.#askedMs < FRESH_MS) return Promise.resolve();
    this.#reading ??= this.#readOnce().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  /** Asks again where these nodes are in other partitions than was known. Never rejects. */
  async follow(nodes: readonly SlurmNode[]): Promise<void> {
    if (nodes.length === 0 || membership(nodes) === membership(this.#view.nodes)) return;
    await this.refresh().catch(() => undefined);
  }

  async #readOnce(): Promise<void> {
    const askedMs = this.#now();
    this.#view = await this.#read();
    this.#askedMs = askedMs;
  }
}

function membership(nodes: readonly SlurmNode[]): string {
  return nodes.map(({ spec: { name }, partitions }) => `${name} ${partitions.join(',')}`).join('\n');
}
