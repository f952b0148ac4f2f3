import { describe, expect, it } from 'vitest';
import { explainJob } from './explanation.ts';
import { jobFact } from '../mirror/job-fact.ts';
import type { MirrorJob } from '../mirror/mirror-job.ts';
import { MirrorState } from '../mirror/mirror-state.ts';
import { job, NOW, onNodes, running, slurm } from '../mirror/mirror.test-support.ts';

const state = new MirrorState({ append: () => Promise.resolve() });
const explain = (mirrored: MirrorJob) =>
  explainJob(mirrored, { state, partitions: [], queue: [], isUnreachable: false, nowMs: NOW })[0];
const asked = (beginMs: number) => ({ ...job().request, beginMs });

const OPEN = { isDefault: true, isUp: true, priorityTier: 1, maxTimeSeconds: null, defaultTimeSeconds: null };

describe('why a job waits on Slurm', () => {
  it('for the time that it was asked not to begin before', () => {
    const waiting = job({ request: asked(NOW + 93_000), slurm: slurm({ reason: 'BeginTime' }) });
    expect(explain(waiting)).toBe('It is to begin in 00:01:33 at the earliest (--begin).');
  });

  it('for what Slurm puts it off after a requeue, also where it had a time to begin at', () => {
    const waiting = job({ request: asked(NOW - 1), attempt: 1, slurm: slurm({ reason: 'BeginTime' }) });
    expect(explain(waiting)).toMatch(/^It was put back in the queue/);
  });

  it('with whose fault it is that this is not from now: Slurm, or the disk of the home', () => {
    const known = { state, partitions: [], queue: [], isUnreachable: true, nowMs: NOW };
    expect(explainJob(running(), known).at(-1)).toBe('Slurm does not answer now: this is what Slurm said last.');
    expect(explainJob(running(), { ...known, isDiskFull: true }).at(-1)).toBe(
      "The disk of Orrery's home takes nothing down now: this is what Slurm said last.",
    );
  });

  it('for other tasks of its array, of which only so many are handed to Slurm at once', () => {
    const held = job({ phase: 'none', isThrottled: true });
    expect(explain(held)).toBe('As many tasks of its array run as may at once.');
    expect(jobFact(held).reason).toBe('JobArrayTaskLimit');
    const alone = job({ phase: 'none', isHeld: true });
    expect(explain(alone)).toBe('It is held: orrery release starts it.');
    expect(jobFact(alone).reason).toBe('JobHeldUser');
    const next = job({ phase: 'asking' });
    expect(explain(next)).toBe('It is on its way to Slurm.');
    expect(jobFact(next).reason).toBe('None');
  });

  it('for room in the queue, where sbatch takes no more of its kind', () => {
    const hindrance = 'sbatch: AssocMaxSubmitJobLimit: Batch job submission failed: Job violates accounting/QOS policy';
    const waiting = job({ phase: 'none', hindrance });
    expect(jobFact(waiting).reason).toBe('AssocMaxSubmitJobLimit');
    const surroundings = { state, partitions: [], queue: [], isUnreachable: false, nowMs: NOW, limit: null };
    expect(explainJob(waiting, surroundings).join(' ')).toContain(
      `It cannot go on at the moment, and is tried again: ${hindrance}.`,
    );
    const limit = ['Account research lets one user have 1 job waiting or running (MaxSubmit=1): me has 1.'];
    expect(explainJob(waiting, { ...surroundings, limit })).toEqual([
      ...limit,
      'It is not with Slurm yet, and goes there then.',
    ]);
  });

  it('and which nodes it keeps off, beside those that its user excluded', () => {
    const careful = new MirrorState({ append: () => Promise.resolve() });
    careful.avoided.set('n7', 'a lemon');
    const waiting = job({
      failedNodes: ['n1', 'n9'],
      slurm: slurm({ reason: 'Resources', excludedNodes: 'n[1-2,7]' }),
    });
    const surroundings = { state: careful, partitions: [], queue: [], isUnreachable: false, nowMs: NOW };
    expect(explainJob(waiting, surroundings)).toEqual(
      expect.arrayContaining([
        'It keeps off n1, where an attempt of it was lost.',
        'It keeps off n7, as all jobs do: orrery nodes says why.',
      ]),
    );
    const free = { ...waiting, slurm: slurm({ reason: 'Resources' }) };
    expect(explainJob(free, surroundings).join(' ')).not.toMatch(/keeps? off/);
    const partitions = [{ ...OPEN, name: 'main', nodeNames: ['n1', 'n2', 'n7'] }];
    expect(explainJob(free, { ...surroundings, partitions, spared: ['n1', 'n7'] }).join(' ')).not.toMatch(/keeps? off/);
    expect(explainJob(free, { ...surroundings, partitions, spared: [] })).toEqual(
      expect.arrayContaining([
        'It does not keep off n1, where an attempt of it was lost: too few other nodes that it could have are in service.',
        'It does not keep off n7, as other jobs do: too few other nodes that it could have are in service.',
      ]),
    );
  });

  it('for nobody, and stands still, where Slurm has suspended it', () => {
    const suspended = running({ slurm: onNodes({ state: 'SUSPENDED' }) });
    expect(jobFact(suspended)).toMatchObject({ state: 'RUNNING', reason: 'Suspended', nodeList: ['n1', 'n2'] });
    expect(explain(suspended)).toBe(
      'Slurm job 50 is suspended, for another job or by an operator: its processes stand still on n1, n2 until Slurm resumes it.',
    );
    const starts = job({ slurm: onNodes({ state: 'CONFIGURING' }) });
    expect(explain(starts)).toMatch(/^Slurm job 50 begins on n1.* once they are up: Slurm starts them for it\.$/);
    expect(explain(job({ slurm: slurm({ reason: 'job requeued in held state' }) }))).toMatch(
      /orrery release starts it/,
    );
    const there = running({ slurm: onNodes({ state: 'RUNNING', qos: 'extra' }) });
    expect(jobFact(there)).toMatchObject({ reason: 'None', qos: 'extra', partition: 'main' });
  });

  it('for a time limit that its partitions do not allow, and what they do', () => {
    const partition = { isDefault: false, isUp: true, nodeNames: [], priorityTier: 1, defaultTimeSeconds: null };
    const partitions = [
      { ...partition, name: 'debug', maxTimeSeconds: 1800 },
      { ...partition, name: 'long', maxTimeSeconds: null },
    ];
    const waiting = job({ slurm: slurm({ reason: 'PartitionTimeLimit', partition: 'debug,long' }) });
    const [words] = explainJob(waiting, { state, partitions, queue: [], isUnreachable: false, nowMs: NOW });
    expect(words).toBe(
      'Its time limit is more than its partition allows. At most: 00:30:00 in debug; scontrol update JobId=50 TimeLimit=D-HH:MM:SS lowers it.',
    );
  });

  it('for a job of ours or of others, and which', () => {
    const reason = 'Dependency';
    const own = job({ request: { ...job().request, jobId: 90 } });
    state.jobs.set(90, own);
    const dependencies = [{ condition: 'afterok', jobId: 90 }] as const;
    const waiting = job({ request: { ...job().request, dependencies }, slurm: slurm({ reason }) });
    expect(explain(waiting)).toBe('It waits for job 90, which is pending (afterok).');
    state.jobs.delete(90);
    expect(explain(job({ slurm: slurm({ reason, dependency: 'afterany:81(unfulfilled)' }) }))).toBe(
      'It waits for other jobs of Slurm: afterany:81(unfulfilled).',
    );
  });

  it('says where others are not counted, since Slurm does not show them', () => {
    const surroundings = { state, partitions: [], queue: [], isUnreachable: false, nowMs: NOW, isAlone: true };
    const told = (reason: string) => explainJob(job({ slurm: slurm({ reason }) }), surroundings).at(-1);
    expect(told('Resources')).toMatch(/^Slurm shows you no jobs of others \(PrivateData=jobs\)/);
    expect(told('JobHeldUser')).not.toMatch(/PrivateData/);
  });

  it('for nodes that are out of service', () => {
    expect(explain(job({ slurm: slurm({ reason: 'ReqNodeNotAvail' }) }))).toMatch(/down, drained or reserved/);
  });
});
