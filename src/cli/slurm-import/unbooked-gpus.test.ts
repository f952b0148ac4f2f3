import { expect, it } from 'vitest';
import { unbookedGpus } from './unbooked-gpus.ts';

it('is said where there are GPUs, and no job of the past had one', () => {
  const [none, some] = [{ gpusPerNode: 0 }, { gpusPerNode: 8 }];
  expect(unbookedGpus(48, [none, none])).toContain('AccountingStorageTRES=gres/gpu');
  expect(unbookedGpus(48, [none, some])).toBeNull();
  expect(unbookedGpus(48, [])).toBeNull();
  expect(unbookedGpus(0, [none])).toBeNull();
});
