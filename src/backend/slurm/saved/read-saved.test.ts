import { expect, it } from 'vitest';
import { readSlurmSaved } from './read-saved.ts';

const file = (name: string, ...lines: string[]) => ({ name, text: lines.join('\n') });

it('leaves nodes out of partitions that scontrol show node does not list, as those of the future, and says so', () => {
  const { slurm, notes } = readSlurmSaved({
    node: file(
      'node.txt',
      'NodeName=h1 CPUTot=64 RealMemory=1000 Gres=gpu:a100:2(S:0),gpu:a100_3g.20gb:4(S:0-1) State=IDLE',
      'NodeName=f1 CPUTot=64 RealMemory=1000 State=FUTURE',
    ),
    partition: file(
      'partition.txt',
      'PartitionName=gpu Default=YES Nodes=h1,f[1-3] State=UP',
      'PartitionName=CPU nodes (amd) Nodes=(null) State=UP',
    ),
  });
  expect(slurm.policy.partitions).toMatchObject([
    { name: 'gpu', nodes: ['h1'] },
    { name: 'CPU nodes (amd)', nodes: [] },
  ]);
  expect(notes).toEqual(['partition gpu: nodes that scontrol show node does not list: f1 and 2 more']);
});
