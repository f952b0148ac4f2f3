import { describe, expect, it } from 'vitest';
import { eachTask } from '../output/array-tasks.ts';
import { PATIENCE_MS } from './finding.ts';
import { findOut } from './mirror.ts';
import { NO_SUBMISSION } from './mirror-job.ts';
import { NOW, facts, job, left, look, onNodes, over, running, slurm } from './mirror.test-support.ts';

describe('several jobs of Slurm with the key of one', () => {
  it('cancels those that wait beside it', () => {
    const others = [slurm({ slurmJobId: 51 }), onNodes({ slurmJobId: 52, state: 'RUNNING' })];
    const finding = findOut(running(), look({ listed: [...others, onNodes({ state: 'RUNNING' })] }));
    expect(finding.slurm?.slurmJobId).toBe(50);
    expect(finding.cancel).toEqual(['51']);
  });

  it('cancels one of an earlier submission that a slurmctld remembers in the place of the last, which is still missed', () => {
    const earlier = slurm({ slurmJobId: 21, name: 'x.orrery-0a1b2c3d-7-1' });
    const last = { ...NO_SUBMISSION, submission: 2, slurmJobId: 74, launchFailures: 1 };
    const lost = job({ record: last, missingSinceMs: NOW - PATIENCE_MS.forgotten });
    expect(findOut(lost, look({ listed: [earlier] }))).toMatchObject({
      slurm: null,
      cancel: ['21'],
      isSubmissionDue: true,
    });
  });

  it('takes the one that runs where the answer of sbatch was lost', () => {
    const mirror = job({
      phase: 'unknown',
      record: { ...NO_SUBMISSION, submission: 1 },
    });
    const finding = findOut(
      mirror,
      look({ listed: [slurm({ slurmJobId: 51 }), onNodes({ slurmJobId: 52, state: 'RUNNING' })] }),
    );
    expect(finding.slurm?.slurmJobId).toBe(52);
    expect(finding.cancel).toEqual(['51']);
  });

  it('cancels a task that a slurmctld has forgotten the number of, and no other of those that wait with it', () => {
    const again = eachTask(slurm({ arrayJobId: 50, arrayTasks: '0-2,7-9%2' })).filter((one) => one.arrayTaskId === 7);
    const task = job({ record: { ...NO_SUBMISSION, submission: 1, slurmJobId: 53, arrayTask: '50_7' } });
    expect(findOut(task, look({ listed: again }))).toMatchObject({ slurm: null, cancel: ['50_7'] });
  });

  it('takes a task for the one that sbatch named, though that has no number yet', () => {
    const task = job({ record: { ...NO_SUBMISSION, submission: 2, arrayTask: '60_7' } });
    const [earlier, last] = [50, 60].map((arrayJobId) => slurm({ slurmJobId: null, arrayJobId, arrayTaskId: 7 }));
    if (!earlier || !last) throw new Error('expected two');
    expect(findOut(task, look({ listed: [earlier, last] }))).toMatchObject({ slurm: last, cancel: ['50_7'] });
    expect(findOut(task, look({ listed: [earlier] }))).toMatchObject({ slurm: null, cancel: ['50_7'] });
    const running = onNodes({ slurmJobId: 61, arrayJobId: 60, arrayTaskId: 7, state: 'RUNNING' });
    expect(findOut(task, look({ listed: [running] })).slurm).toBe(running);
  });

  it('follows the one that claimed the attempt, and not the one that found it claimed', () => {
    const finding = findOut(
      job(),
      look({ listed: [over('FAILED', 73)], facts: facts({ attempts: [left({ slurmJobId: 49 })] }) }),
    );
    expect(finding).toMatchObject({ adopt: 49, records: [], isSubmissionDue: false });
  });
});
