import { describe, expect, it } from 'vitest';
import { parseGpus, readMachine, virtualNodes } from './virtual-nodes.ts';

const GIBIBYTE = 2 ** 30;

function gpus(count: number, name = 'NVIDIA A100-SXM4-80GB') {
  return Array.from({ length: count }, (_, index) => ({ index, name, memoryBytes: 80 * GIBIBYTE }));
}

describe('virtualNodes', () => {
  it('gives each node CPU slots where the machine has no GPUs', () => {
    const { nodes, gpusOfNode } = virtualNodes({ cpus: 4, memoryBytes: 10 * GIBIBYTE, gpus: [] }, 3);
    expect(nodes.map((node) => node.name)).toEqual(['n1', 'n2', 'n3']);
    expect(nodes[2]).toEqual({
      name: 'n3',
      resources: { cpus: 4, memoryBytes: Math.floor((10 * GIBIBYTE) / 3), gpus: 4 },
      gpuType: null,
      leaf: null,
    });
    expect(gpusOfNode).toBeNull();
  });

  it('gives a node at least two CPUs', () => {
    const { nodes } = virtualNodes({ cpus: 1, memoryBytes: GIBIBYTE, gpus: [] }, 1);
    expect(nodes[0]?.resources).toMatchObject({ cpus: 2, gpus: 2 });
  });

  it('deals every GPU to exactly one node', () => {
    const { nodes, gpusOfNode } = virtualNodes({ cpus: 8, memoryBytes: GIBIBYTE, gpus: gpus(8) }, 3);
    expect([...(gpusOfNode ?? [])]).toEqual([
      ['n1', [0, 3, 6]],
      ['n2', [1, 4, 7]],
      ['n3', [2, 5]],
    ]);
    expect(nodes.map((node) => node.resources.gpus)).toEqual([3, 3, 2]);
    expect(nodes[0]?.gpuType).toBe('nvidia-a100-sxm4-80gb');
  });

  it('keeps to the indices the machine counts by, and names no type where there are several', () => {
    const mixed = [...gpus(1), ...gpus(1, 'Tesla T4')].map((gpu, turn) => ({ ...gpu, index: turn * 2 + 1 }));
    const { nodes, gpusOfNode } = virtualNodes({ cpus: 8, memoryBytes: GIBIBYTE, gpus: mixed }, 1);
    expect(gpusOfNode?.get('n1')).toEqual([1, 3]);
    expect(nodes[0]?.gpuType).toBeNull();
  });

  it('leaves nodes without GPUs where there are more nodes than GPUs', () => {
    const { nodes, gpusOfNode } = virtualNodes({ cpus: 8, memoryBytes: GIBIBYTE, gpus: gpus(1) }, 2);
    expect(nodes.map((node) => [node.resources.gpus, node.gpuType])).toEqual([
      [1, 'nvidia-a100-sxm4-80gb'],
      [0, null],
    ]);
    expect(gpusOfNode?.get('n2')).toEqual([]);
  });
});

describe('parseGpus', () => {
  it('reads what nvidia-smi prints and passes over its remarks', () => {
    expect(parseGpus('0, NVIDIA A100-SXM4-80GB, 81920\n1, Tesla T4, 15360\nUnable to determine ...\n')).toEqual([
      { index: 0, name: 'NVIDIA A100-SXM4-80GB', memoryBytes: 80 * GIBIBYTE },
      { index: 1, name: 'Tesla T4', memoryBytes: 15 * GIBIBYTE },
    ]);
  });
});

describe('readMachine', () => {
  it('finds CPUs and memory', async () => {
    const machine = await readMachine();
    expect(machine.cpus).toBeGreaterThan(0);
    expect(machine.memoryBytes).toBeGreaterThan(2 ** 26);
  });
});
