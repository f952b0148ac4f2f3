import { expect, it } from 'vitest';
import { endOfRank, rankNamed } from './end-status.ts';

it('tells how a rank ended, and its words tell the rank again', () => {
  expect(endOfRank(5, 'gpu2', 1)).toBe('rank 5 on gpu2 exited with status 1');
  expect(endOfRank(0, 'gpu1', 137)).toBe('rank 0 on gpu1 was killed by SIGKILL');
  // No signal has this number.
  expect(endOfRank(0, 'gpu1', 255)).toBe('rank 0 on gpu1 was killed by signal 127');
  for (const status of [1, 137, 255]) expect(rankNamed(endOfRank(12, 'a-1', status))).toBe(12);
  expect(rankNamed('reached its time limit')).toBeNull();
});
