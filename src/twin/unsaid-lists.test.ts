import { expect, it } from 'vitest';
import { traceRow } from './trace-row.test-support.ts';
import { withoutUnsaidLists } from './unsaid-lists.ts';

const POLICY = {
  partitions: [
    { name: 'a', allowAccounts: ['vision'], denyQos: ['low'] },
    { name: 'b', maxNodes: 2 },
  ],
};

it('lists of accounts and of QOS count where a row names one', () => {
  const under = (...rows: Parameters<typeof traceRow>[0][]) => withoutUnsaidLists(POLICY, rows.map(traceRow));
  expect(under({ account: 'vision', qos: 'low' }, {})).toEqual({ policy: POLICY, dropped: [] });
  expect(under({ account: 'vision' })).toEqual({
    policy: {
      partitions: [
        { name: 'a', allowAccounts: ['vision'] },
        { name: 'b', maxNodes: 2 },
      ],
    },
    dropped: ['QOS'],
  });
  expect(under({}, {}).policy.partitions).toEqual([{ name: 'a' }, { name: 'b', maxNodes: 2 }]);
  expect(withoutUnsaidLists({ partitions: [{ name: 'b' }] }, []).dropped).toEqual([]);
});
