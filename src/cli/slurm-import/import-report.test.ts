import { expect, it } from 'vitest';
import { renderImport } from './import-cluster.ts';

const REPORT = {
  out: 'mine',
  files: ['cluster.yaml', 'scenario.yaml', 'now.yaml'],
  cluster: 'alpha',
  nodes: 6,
  gpus: 48,
  nodesOut: 1,
  partitions: ['train'],
  qos: [],
  accounts: 2,
  users: 2,
  leaves: 0,
  jobs: 6,
  running: 1,
  pending: 1,
  reservations: [],
  missing: [],
  leftOut: [],
};

it('gives commands that answer what they are said to', () => {
  const lines = renderImport(REPORT).split('\n');
  expect(lines).toContain('  orrery sim --scenario mine/scenario.yaml');
  // When each job starts is in that file alone.
  expect(lines.at(-1)).toBe('  orrery sim --scenario mine/now.yaml --jobs-out now.csv');
  const ofNow = renderImport({ ...REPORT, files: ['cluster.yaml', 'now.yaml'] });
  expect(ofNow).not.toContain('scenario.yaml');
});
