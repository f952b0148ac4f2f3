import { expect, it } from 'vitest';
import { rowPartitions } from './row-partitions.ts';

it('of the names of a row those count that the policy has, and where there are none the default one', () => {
  const [cpu, gpu] = [{ name: 'cpu' }, { name: 'gpu', isDefault: true }];
  const read = rowPartitions([cpu, gpu]);
  expect(read('gone,gpu,cpu')).toEqual({ all: [gpu, cpu], names: 'gpu,cpu', unknown: ['gone'] });
  expect(read('cpu')).toEqual({ all: [cpu], names: 'cpu', unknown: [] });
  expect(read('gone')).toEqual({ all: [gpu], names: undefined, unknown: ['gone'] });
  expect(read(null)).toEqual({ all: [gpu], names: undefined, unknown: [] });
  expect(rowPartitions()('cpu')).toEqual({ all: [undefined], names: undefined, unknown: ['cpu'] });
});
