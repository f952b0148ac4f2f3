import { expect, it } from 'vitest';
import type { DecisionSink } from './core-types.ts';
import { Ledger } from './ledger.ts';
import { holdNodes } from './placement.ts';
import { completePolicy } from './policy.ts';
import { Preemption } from './preempting.ts';

const SECOND = 1000;
const GPUS = 8;

/** Two nodes at second 0; QOS `high` preempts what has run for a hundred seconds, and victims are looked for again after thirty. */
class TwoNodes {
  readonly preempted: number[] = [];
  readonly #ledger: Ledger;
  readonly #preemption: Preemption;
  readonly #sink: DecisionSink = {
    startAttempt() {},
    endAttempt: ({ request }) => this.preempted.push(request.jobId),
    requeueJob() {},
    endJob() {},
  };
  #jobs = 0;

  constructor() {
    const policy = completePolicy({
      bfIntervalSeconds: 30,
      preempt: { type: 'qos', mode: 'requeue', exemptSeconds: 100 },
      qos: [{ name: 'low' }, { name: 'high', preempts: ['low'] }],
    });
    this.#ledger = new Ledger(policy);
    this.#preemption = new Preemption(this.#ledger, policy, () => true);
    const resources = { cpus: 64, memoryBytes: 0, gpus: GPUS };
    for (const name of ['n0', 'n1']) this.#ledger.pool.add({ name, resources, gpuType: null, leaf: null });
  }

  runLow(node: number, second: number): void {
    const job = this.#submit('low', 1, second);
    this.#ledger.start(job, 1, holdNodes(this.#ledger.pool, job, [node]), second * SECOND);
  }

  queueHigh(nodes: number, second: number): void {
    this.#submit('high', nodes, second);
  }

  /** Returns the second in which the next look is due where nothing else happens. */
  look(second: number): number {
    this.#preemption.run(second * SECOND, this.#sink);
    return this.#preemption.wakeMs / SECOND;
  }

  #submit(qos: 'low' | 'high', nodes: number, second: number) {
    this.#jobs += 1;
    const request = {
      jobId: this.#jobs,
      submitMs: second * SECOND,
      priority: 0,
      nodes,
      perNode: { cpus: 1, memoryBytes: 0, gpus: GPUS },
      gpuType: null,
      exclusive: false,
      timeLimitMs: null,
      excludedNodes: [],
      maxRequeues: 1,
      dependencies: [],
      isHeld: false,
      qos,
    };
    return this.#ledger.submit(request, 0, second * SECOND);
  }
}

/** Jobs 1 and 2 may be preempted from second 100 and 120; for job 3, which needs both nodes, victims are looked for in second 100, for job 4 in 110. */
function withTwoThatWait(): TwoNodes {
  const cluster = new TwoNodes();
  cluster.runLow(0, 0);
  cluster.runLow(1, 20);
  cluster.queueHigh(2, 30);
  expect(cluster.look(30)).toBe(100);
  expect(cluster.look(100)).toBe(130);
  cluster.queueHigh(2, 110);
  return cluster;
}

it('looks for victims just because time has passed once in bfIntervalSeconds, for all whose time has come', () => {
  const cluster = withTwoThatWait();
  expect(cluster.look(110)).toBe(140);
  expect(cluster.preempted).toEqual([]);
  cluster.look(140);
  expect(cluster.preempted).toEqual([1, 2]);
});

it('looks at whoever has waited that long as soon as anything happens', () => {
  const cluster = withTwoThatWait();
  cluster.look(110);
  expect(cluster.look(129)).toBe(140);
  expect(cluster.preempted).toEqual([]);
  cluster.look(131);
  expect(cluster.preempted).toEqual([1, 2]);
});
