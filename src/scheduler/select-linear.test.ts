import { expect, it } from 'vitest';
import { PLAIN_CADENCE } from './cadence.test-support.ts';
import { ConservativePasses } from './conservative.ts';
import { gangRequest } from './job-request.test-support.ts';
import { Ledger } from './ledger.ts';
import { holdNodes } from './placement.ts';
import { completePolicy, type SchedulerOptions } from './policy.ts';

type SelectType = NonNullable<SchedulerOptions['selectType']>;

/** Where and when a gang is planned whose nodes are held, one each, for so many seconds; leaves of two, three and two nodes. */
function planOf(selectType: SelectType, nodes: number, heldSeconds: readonly number[]): string {
  const policy = completePolicy({ backfillType: 'conservative', cadence: PLAIN_CADENCE, selectType });
  const ledger = new Ledger(policy);
  for (const [index, leaf] of ['a', 'a', 'b', 'b', 'b', 'c', 'c'].entries())
    ledger.pool.add({ name: `n${index}`, resources: { cpus: 8, memoryBytes: 0, gpus: 0 }, gpuType: null, leaf });
  for (const [index, seconds] of heldSeconds.entries()) {
    if (seconds === 0) continue;
    const request = gangRequest(100 + index, 1, 0, { exclusive: true, timeLimitMs: seconds * 1000 });
    const holder = ledger.submit(request, 0, 0);
    ledger.start(holder, 1, holdNodes(ledger.pool, holder, [index]), 0);
  }
  ledger.submit(gangRequest(1, nodes, 0, { exclusive: true }), 0, 0);
  const passes = new ConservativePasses(ledger, policy, () => true);
  let plan = '';
  passes.onPlanned = (_job, startMs, nodeIndices) => (plan = `${startMs} on ${nodeIndices.join()}`);
  passes.beginBackfill(0);
  passes.resume(
    0,
    () => false,
    () => {},
  );
  return plan;
}

it('plans a start after the end that makes room, and not after all that come soon after it', () => {
  const held = [30, 35, 40, 600, 600, 600, 600];
  expect(planOf('linear', 1, held)).toBe('30000 on 0');
  expect(planOf('cons_tres', 1, held)).toBe('40000 on 2');
});

it('gives a gang on several leaves those with the fewest nodes first, and one leaf where that is enough', () => {
  const free = [0, 0, 0, 0, 0, 0, 0];
  expect(planOf('linear', 4, free)).toBe('0 on 0,1,5,6');
  expect(planOf('cons_tres', 4, free)).toBe('0 on 0,2,3,4');
  for (const selectType of ['linear', 'cons_tres'] as const) expect(planOf(selectType, 3, free)).toBe('0 on 2,3,4');
});
