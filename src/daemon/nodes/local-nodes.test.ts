import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Machine } from '../../backend/local/virtual-nodes.ts';
import { clusterNodes, localNodes } from './local-nodes.ts';

const catalogue = join(import.meta.dirname, '../../../catalog/clusters');
const machine = (gpus: number): Machine => ({
  cpus: 4,
  memoryBytes: 8 * 1024 ** 3,
  gpus: Array.from({ length: gpus }, (_, index) => ({ index, name: 'NVIDIA A100', memoryBytes: 1 })),
});
const nodeType = {
  namePrefix: 'x',
  count: 2,
  cpus: 'auto' as const,
  memoryBytes: 'auto' as const,
  gpusPerNode: 'auto' as const,
  gpuType: null,
  cpuPeakFlops: null,
  localStorageBytes: null,
  powerWattsMax: null,
};
const cluster = {
  name: 'mine',
  title: '',
  note: null,
  fabric: null,
  storage: [],
  powerWatts: null,
  failuresPerNodeDay: null,
  hpl: null,
  sources: {},
};

describe('localNodes', () => {
  it('are three where nobody says otherwise, and as many as asked for', async () => {
    expect((await localNodes({})).specs.map(({ name }) => name)).toEqual(['n1', 'n2', 'n3']);
    expect((await localNodes({ count: 5 })).specs.length).toBe(5);
    const file = join(catalogue, 'local.yaml');
    expect((await localNodes({ clusterFile: file })).specs).toEqual((await localNodes({})).specs);
    expect((await localNodes({ clusterFile: file, count: 2 })).specs).toEqual((await localNodes({ count: 2 })).specs);
  });

  it('are those of a cluster file', async () => {
    const { clusterName, specs } = await localNodes({ clusterFile: join(catalogue, 'naver-superpod.yaml') });
    expect(clusterName).toBe('naver-superpod');
    expect(specs.length).toBe(140);
    expect(specs[0]?.resources.gpus).toBe(8);
  });

  it('name a cluster file that cannot be read', async () => {
    await expect(localNodes({ clusterFile: '/nowhere.yaml' })).rejects.toMatchObject({ code: 'ORR_BAD_FILE' });
  });

  it('get only GPUs that are there', () => {
    const auto = clusterNodes({ ...cluster, nodeTypes: [nodeType] }, machine(3));
    expect(auto.gpusOfNode).toEqual(
      new Map([
        ['x1', [0, 2]],
        ['x2', [1]],
      ]),
    );
    expect(auto.specs.map(({ resources }) => resources.gpus)).toEqual([2, 1]);
    const stated = { ...cluster, nodeTypes: [{ ...nodeType, gpusPerNode: 2 }] };
    expect(() => clusterNodes(stated, machine(3))).toThrow('node x2 is to have 2 GPUs; of this machine');
    expect(clusterNodes(stated, machine(4)).gpusOfNode?.get('x2')).toEqual([1, 3]);
    expect(clusterNodes(stated, machine(0))).toMatchObject({
      gpusOfNode: null,
      specs: [{ resources: { gpus: 2 } }, { resources: { gpus: 2 } }],
    });
  });
});
