import { describe, expect, it } from 'vitest';
import type { NodeSpec } from '../../cluster/node.ts';
import { nodeRemarks, withReservations, withUsedPartitions } from './policy-fit.ts';

const node = (name: string): NodeSpec => ({
  name,
  resources: { cpus: 1, memoryBytes: 1, gpus: 0 },
  gpuType: null,
  leaf: null,
});

describe('partitions of a policy', () => {
  const partitions = Array.from({ length: 40 }, (_, index) => ({ name: `p${index}`, isDefault: index === 39 }));

  it('are those that jobs go to where there are too many', () => {
    const { options, remarks } = withUsedPartitions({ partitions }, new Set(['p3']), 'slurm.conf');
    expect(options.partitions?.map(({ name }) => name)).toEqual(['p3', 'p39']);
    expect(remarks.map(({ what }) => what)).toEqual([
      '38 partitions of slurm.conf are left out, since no job goes to them: no more than 31 are told apart',
    ]);
    const few = { partitions: partitions.slice(9) };
    expect(withUsedPartitions(few, new Set(), 'slurm.conf')).toEqual({ options: few, remarks: [] });
  });

  it('are refused where jobs go to too many', () => {
    const names = new Set(partitions.map(({ name }) => name));
    expect(() => withUsedPartitions({ partitions }, names, 'slurm.conf')).toThrow(
      'slurm.conf: expected jobs in at most 31 partitions, which are told apart; they name 40',
    );
  });

  it('may name nodes that are not there, but not these alone', () => {
    const nodes = [node('n01'), node('n02')];
    const policy = { partitions: [{ name: 'a', nodes: ['n01', 'n03'] }, { name: 'b', nodes: [] }, { name: 'c' }] };
    expect(nodeRemarks(policy, nodes, 'p.yaml')).toEqual([
      { what: 'p.yaml names nodes that the cluster does not have', examples: ['partition a: 1 of 2, n03 for one'] },
    ]);
    expect(nodeRemarks({ partitions: [{ name: 'a', nodes: ['n01'] }] }, [...nodes, node('n03')], 'p.yaml')).toEqual([
      { what: '2 nodes, n02 for one, are in no partition of p.yaml, and no job runs there', examples: [] },
    ]);
    expect(nodeRemarks({ partitions: [{ name: 'a', nodes: ['n01'] }] }, nodes, 'p.yaml')[0]?.what).toMatch(
      /^n02 is in/,
    );
    expect(nodeRemarks({}, nodes, 'p.yaml')).toEqual([]);
    expect(() => nodeRemarks({ partitions: [{ name: 'a', nodes: ['n1', 'n2'] }] }, nodes, 'p.yaml')).toThrow(
      'p.yaml: partition a: expected nodes of the cluster, such as n01; it has none of 2, n1 for one',
    );
  });
});

describe('reservations of a scenario', () => {
  const reservation = (name: string) => ({
    name,
    nodes: ['n01'],
    startMs: 0,
    endMs: 1000,
    users: [],
    accounts: [],
  });

  it('are beside those of the policy, under other names', () => {
    const policy = { reservations: [reservation('repair')] };
    const { reservations = [] } = withReservations(policy, [reservation('course')], 'p.yaml');
    expect(reservations.map(({ name }) => name)).toEqual(['repair', 'course']);
    expect(() => withReservations(policy, [reservation('repair')], 'p.yaml')).toThrow(
      'the scenario: reservation repair: expected a name that p.yaml has no reservation of: give it another',
    );
  });
});
