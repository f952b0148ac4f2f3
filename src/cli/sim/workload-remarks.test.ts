import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parseWorkloadFile } from '../../formats/workload-file.ts';
import { overloadRemarks } from './workload-remarks.ts';

const FILE = new URL('../../../catalog/workloads/rsc-phase1.yaml', import.meta.url);
const spec = parseWorkloadFile(readFileSync(FILE, 'utf8'), 'rsc-phase1.yaml');
const said = (fields: { clusterGpus?: number; load?: number; growth?: number }) =>
  overloadRemarks('mine', spec, { clusterGpus: 6080, load: 1, growth: 0, days: 40, ...fields }).map(({ what }) => what);

it('says nothing of a workload that the cluster can do, to the end', () => {
  expect([said({}), said({ growth: 0.16 }), said({ load: 1.16 })]).toEqual([[], [], []]);
});

it('says which load is in proportion to a smaller cluster, and none where the cluster is as large', () => {
  expect(said({ clusterGpus: 3040 })[0]).toMatch(
    /^mine asks for 171\.4 % .*, and --load 0\.5 has its share for 3,040$/,
  );
  expect(said({ load: 1.3 })[0]).toMatch(/^mine asks for 111\.4 % .* waits are longer the longer the run$/);
});

it('says from when on a growing workload is too much', () => {
  // 85.7 % at first: 16.7 % more is too much, which is a sixth of the way to twice as much, less than seven of 40 days.
  expect(said({ growth: 1 })[0]).toMatch(/85\.7 % .* at first and for 171\.4 % at the end: from about day 7 on/);
  expect(said({ growth: -0.5, load: 1.3 })[0]).toMatch(/^mine asks for 111\.4 %/);
});
