import { expect, it } from 'vitest';
import { messageOf, ownState } from './end-words.ts';
import { exited, over } from './mirror.test-support.ts';

const KILLED = 'slurmstepd: error: StepId=38.0 exceeded memory limit (261750784 > 209715200), being killed';
const EVENT = 'srun: error: n1: task 0: Out Of Memory';

it.each([
  [KILLED, 200, 'ran out of memory: used 249.6M of the 200M that it may use on a node'],
  [EVENT, 200, 'ran out of memory: it may use 200M on a node'],
  [EVENT, null, 'ran out of memory'],
  // Slurm itself calls it so, and its nodes left no word.
  [null, 200, 'ran out of memory: it may use 200M on a node'],
])('%s, of %s MiB: %s', (memory, limit, message) => {
  const slurm = over('FAILED', 137, { memoryBytesPerNode: limit === null ? null : limit * 1024 ** 2 });
  expect(messageOf(slurm, exited(137, { memory }), 'OUT_OF_MEMORY')).toBe(message);
});

it('is no lack of memory where all went well, or where nobody speaks of it', () => {
  expect(ownState(0, exited(0, { memory: EVENT }))).toBe('COMPLETED');
  expect(ownState(137, exited(137, { memory: EVENT }))).toBe('OUT_OF_MEMORY');
  expect(ownState(137, exited(137))).toBe('FAILED');
  expect(ownState(137, null)).toBe('FAILED');
});
