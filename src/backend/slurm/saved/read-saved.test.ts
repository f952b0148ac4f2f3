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

const NODE = file('node.txt', 'NodeName=h1 CPUTot=64 RealMemory=1000 State=IDLE');

/** With jobs that run since these seconds before a squeue at 12:00:00, and sdiag so much later, with a pass of backfill at `last` seconds of that minute. */
function agesOf(startedSecondsAgo: readonly number[], sdiagSecondsLater: number, lastSeconds: number) {
  const civil = (seconds: number) => new Date(Date.UTC(2026, 10, 28, 12, 0, seconds)).toISOString().slice(0, 19);
  const clock = (seconds: number) => civil(seconds).slice(11);
  // The controller's epoch is not that of its local time.
  const epoch = (seconds: number) => 1_795_800_000 + seconds;
  const { backfillAgeSeconds, mainAgeSeconds } = readSlurmSaved({
    node: NODE,
    config: file('config.txt', 'SchedulerType = sched/backfill', 'SchedulerParameters = batch_sched_delay=3'),
    squeue: file(
      'squeue.txt',
      'JOBID|STATE|NODES|NODELIST|START_TIME|TIME|',
      ...startedSecondsAgo.map(
        (ago, index) => `${index}|RUNNING|1|h1|${civil(-ago)}|0:${String(ago).padStart(2, '0')}|`,
      ),
    ),
    sdiag: file(
      'sdiag.txt',
      `sdiag output at Sat Nov 28 ${clock(sdiagSecondsLater)} 2026 (${epoch(sdiagSecondsLater)})`,
      'Backfilling stats',
      `\tLast cycle when: Sat Nov 28 ${clock(lastSeconds)} 2026 (${epoch(lastSeconds)})`,
    ),
  });
  return [backfillAgeSeconds, mainAgeSeconds];
}

it('counts the age of the last pass of backfill from the queue on, not from the answer of sdiag', () => {
  expect(agesOf([20], 0, -17)[0]).toBe(17);
  expect(agesOf([20], 2, -17)[0]).toBe(17);
  // A pass between the two followed the one that the queue knew of by 30 s.
  expect(agesOf([20], 2, 1)[0]).toBe(29);
  expect(agesOf([20], 45, 44)[0]).toBeNull();
});

it('knows from the last starts when the main scheduler ran, but not from one of backfill', () => {
  expect(agesOf([20, 17, 2], 1, -17)[1]).toBe(2);
  // The next pass may be due and not have come yet.
  expect(agesOf([20, 17, 3], 1, -17)[1]).toBe(3);
  expect(agesOf([20, 17], 1, -17)[1]).toBe(2);
});
