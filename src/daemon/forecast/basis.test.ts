import { expect, it } from 'vitest';
import { basisOf, lastLines, maintenanceOf } from './basis.ts';

it('keeps the header of a table and its last whole lines', () => {
  const table = 'id|state\n1|a\n22|b\n333|c\n';
  expect(lastLines(table, 100)).toBe(table);
  expect(lastLines(table, 6)).toBe('id|state\n333|c\n');
  expect(lastLines(table, 10)).toBe('id|state\n333|c\n');
  expect(lastLines(table, 11)).toBe('id|state\n22|b\n333|c\n');
  expect(lastLines(table, 15)).toBe('id|state\n1|a\n22|b\n333|c\n');
  expect(lastLines('id|state\n', 3)).toBe('id|state\n');
});

const file = (name: string, ...lines: string[]) => ({ name, text: lines.join('\n') });

it('has nodes under maintenance back when that ends, and those that are out for something else not', () => {
  const node = (name: string, state: string) => `NodeName=${name} CPUTot=8 RealMemory=1000 State=${state}`;
  const saved = {
    node: file(
      'node.txt',
      node('n1', 'IDLE+MAINT+RESERVED'),
      node('n2', 'DOWN+MAINT'),
      node('n3', 'IDLE+DRAIN'),
      node('n4', 'MAINT'),
    ),
  };
  const nowMs = 1_000_000;
  const of = { startMs: nowMs - 60_000, endMs: nowMs + 600_000, users: ['root'], accounts: [] };
  const maintenance = maintenanceOf(
    [
      { ...of, name: 'maint', nodes: ['n1', 'n2', 'gone'], flags: ['MAINT', 'SPEC_NODES'] },
      { ...of, name: 'mine', nodes: ['n3'], flags: [] },
      { ...of, name: 'over', nodes: ['n4'], flags: ['MAINT'], endMs: nowMs },
    ],
    nowMs,
  );
  const { snapshot } = basisOf({ kind: 'slurm', saved, maintenance });
  expect(snapshot.nodesOut).toEqual(['n2', 'n3', 'n4']);
  expect(snapshot.policy.reservations).toEqual([
    { name: 'maint', nodes: ['n1', 'n2'], startMs: -60_000, endMs: 600_000, users: [], accounts: [] },
  ]);
  const before = basisOf({ kind: 'slurm', saved }).snapshot;
  expect(before.nodesOut).toEqual(['n1', 'n2', 'n3', 'n4']);
  expect(before.policy.reservations ?? []).toEqual([]);
});
