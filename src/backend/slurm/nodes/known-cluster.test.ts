import { describe, expect, it } from 'vitest';
import { BARE_CLUSTER } from './cluster-view.test-support.ts';
import type { ClusterView } from './cluster-view.ts';
import { KnownCluster } from './known-cluster.ts';
import type { SlurmNode } from '../output/scontrol-text.ts';

const node = (name: string, ...partitions: string[]): SlurmNode => ({
  spec: { name, resources: { cpus: 4, memoryBytes: 1, gpus: 0 }, gpuType: null, leaf: null },
  state: 'idle',
  isSilent: false,
  slurmState: 'IDLE',
  reason: null,
  allocated: { cpus: 0, memoryBytes: 0, gpus: 0 },
  partitions,
});
const view = (name: string, ...nodes: SlurmNode[]): ClusterView => ({ ...BARE_CLUSTER, name, nodes });

function known(read: (count: number) => Promise<ClusterView>) {
  const clock = { nowMs: 0, reads: 0 };
  const cluster = new KnownCluster(
    view('first', node('n1', 'main')),
    () => {
      clock.reads += 1;
      return read(clock.reads);
    },
    () => clock.nowMs,
  );
  return { cluster, clock };
}

describe('what is known of a cluster', () => {
  it('is asked for once by all who ask together, and not again at once', async () => {
    const { cluster, clock } = known((count) => Promise.resolve(view(`read ${count}`)));
    expect(cluster.view.name).toBe('first');
    await Promise.all([cluster.refresh(), cluster.refresh()]);
    clock.nowMs = 1000;
    await cluster.refresh();
    expect(cluster.view.name).toBe('read 1');
    clock.nowMs = 3000;
    await cluster.refresh();
    expect([cluster.view.name, clock.reads]).toEqual(['read 2', 2]);
  });

  it('is as old as the question: an answer that took long may not have what was changed meanwhile', async () => {
    const { cluster, clock } = known((count) => {
      clock.nowMs += 5000;
      return Promise.resolve(view(`read ${count}`));
    });
    await cluster.refresh();
    await cluster.refresh();
    expect(cluster.view.name).toBe('read 2');
  });

  it('stays while Slurm does not answer, and is asked for again after that', async () => {
    const { cluster } = known((count) =>
      count === 1 ? Promise.reject(new Error('away')) : Promise.resolve(view('then')),
    );
    await expect(cluster.refresh()).rejects.toThrow('away');
    expect(cluster.view.name).toBe('first');
    await cluster.refresh();
    expect(cluster.view.name).toBe('then');
  });

  it('is asked for again where nodes are in other partitions, and only then', async () => {
    const later = [node('n1', 'main', 'extra'), node('n2', 'main')];
    const { cluster, clock } = known(() => Promise.resolve(view('then', ...later)));
    await cluster.follow([{ ...node('n1', 'main'), state: 'down' }]);
    // Slurm does not show them to this user.
    await cluster.follow([]);
    expect(clock.reads).toBe(0);
    await cluster.follow(later);
    clock.nowMs = 60_000;
    await cluster.follow(later);
    expect([cluster.view.name, clock.reads]).toEqual(['then', 1]);
  });
});
