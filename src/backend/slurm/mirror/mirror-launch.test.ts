import { describe, expect, it } from 'vitest';
import type { AttemptFacts } from '../batch/job-folder.ts';
import { type JobFacts, PATIENCE_MS } from './finding.ts';
import { findOut } from './mirror.ts';
import { NOW, exited, facts, job, left, look, over, run, running, short, slurm, told } from './mirror.test-support.ts';
import type { SacctRun } from '../output/sacct-text.ts';
import type { SlurmJob } from '../output/slurm-job.ts';

describe('a job that Slurm gave nodes and of which no task began', () => {
  it.each([
    [73, 'n1 began it twice'],
    [74, "the folder of Orrery's jobs is not there on n1: see --shared"],
    [77, "the folder of Orrery's jobs takes no files on n1: is its disk full, or a quota used up?"],
    [75, "srun began no task on n1: see batch.log in the job's folder"],
  ])('by the status %i of its script', (status, message) => {
    const finding = findOut(job(), look({ listed: [over('FAILED', status)] }));
    expect(finding).toMatchObject({ launchFailure: message, records: [] });
    const seen = findOut(running(), look({ listed: [over('FAILED', status)] }));
    expect(short(seen.records)).toEqual(['LaunchFailed 1']);
    expect(seen.launchFailure).toBe(message);
  });

  it('because a job before it had not ended: submitted again, and no failure that is counted', () => {
    const listed = [over('FAILED', 76)];
    const again = { launchFailure: null, isSubmissionDue: true, cancel: [] };
    expect(findOut(job(), look({ listed }))).toMatchObject({ ...again, records: [] });
    const seen = findOut(running(), look({ listed }));
    expect(short(seen.records)).toEqual(['LaunchFailed 1']);
    expect(seen).toMatchObject(again);
    const inAccounting = facts({ runs: [run('FAILED', { exitStatus: { code: 76, signal: 0 } })] });
    expect(findOut(job(), look({ facts: inAccounting }))).toMatchObject({ ...again, records: [] });
    const cancelled = findOut(running({ isCancelRequested: true }), look({ listed }));
    expect(short(cancelled.records)).toEqual(['AttemptEnded 1 CANCELLED 1', 'JobEnded CANCELLED 1']);
    expect(cancelled.isSubmissionDue).toBe(false);
  });

  it('but one whose tasks ended with that status has failed by itself', () => {
    const listed = [over('FAILED', 76)];
    const finding = findOut(running(), look({ listed, facts: facts({ attempts: [exited(76)] }) }));
    expect(short(finding.records)).toEqual(['AttemptEnded 1 FAILED 76', 'JobEnded FAILED 76']);
  });

  it('and that was cancelled meanwhile has ended', () => {
    const listed = [over('FAILED', 75)];
    const unseen = findOut(job({ isCancelRequested: true }), look({ listed }));
    expect(short(unseen.records)).toEqual(['JobEnded CANCELLED 1']);
    expect(unseen.launchFailure).toBe(null);
    const seen = findOut(running({ isCancelRequested: true }), look({ listed }));
    expect(short(seen.records)).toEqual(['AttemptEnded 1 CANCELLED 1', 'JobEnded CANCELLED 1']);
  });

  it('had none to lose, and Slurm gave it up with its partition: submitted again, unless somebody cancelled it', () => {
    const listed = [slurm({ state: 'NODE_FAIL', endMs: 900_000 })];
    const message = 'Slurm says NODE_FAIL before it had nodes: is its partition gone?';
    expect(findOut(job(), look({ listed }))).toMatchObject({ records: [], launchFailure: message });
    const inAccounting = facts({ runs: [run('NODE_FAIL', { nodeNames: [] })] });
    expect(findOut(job(), look({ facts: inAccounting }))).toMatchObject({ records: [], launchFailure: message });
    const cancelled = findOut(job({ isCancelRequested: true }), look({ listed }));
    expect(short(cancelled.records)).toEqual(['JobEnded CANCELLED 1']);
  });

  it('was cancelled by a slurmctld that has just begun, and by nobody here: submitted again', () => {
    const listed = [slurm({ state: 'CANCELLED', endMs: 900_000 })];
    const found = facts({ isFreshController: true });
    expect(findOut(job(), look({ listed, facts: found }))).toMatchObject({
      records: [],
      launchFailure: 'Slurm cancelled it shortly after slurmctld had begun',
    });
    const asked = findOut(job({ isCancelRequested: true }), look({ listed, facts: found }));
    expect(short(asked.records)).toEqual(['JobEnded CANCELLED 1']);
  });

  it('was cancelled by a user, which slurmctld does not do by mistake: as soon as accounting says who it was', () => {
    const at = (endSeenMs: number, ...runs: SacctRun[]) => {
      const listed = [slurm({ state: 'CANCELLED', endMs: 900_000 })];
      return findOut(job({ endSeenMs }), look({ listed, facts: facts({ isFreshController: true, runs }) }));
    };
    const by = (cancelledBy: number) => run('CANCELLED', { nodeNames: [], cancelledBy });
    expect(at(NOW - 1000, run('PENDING'))).toMatchObject({ records: [], launchFailure: null });
    expect(short(at(NOW - 1000, by(1000)).records)).toEqual(['JobEnded CANCELLED 1']);
    for (const last of [by(0), run('PENDING')])
      expect(at(NOW - PATIENCE_MS.forgotten, last)).toMatchObject({ launchFailure: expect.any(String) });
  });

  it('has not completed, nor failed, because Slurm says so: its script has to', () => {
    const endSeenMs = NOW - PATIENCE_MS.lost;
    for (const state of ['COMPLETED', 'FAILED']) {
      // The clock of slurmctld may be minutes before or behind ours.
      for (const endMs of [0, NOW - 1000, 2 * NOW]) {
        const early = look({ listed: [over(state, 0, { endMs })] });
        expect(findOut(job({ endSeenMs: NOW - 1000 }), early)).toMatchObject({ records: [], launchFailure: null });
      }
      const launchFailure = `Slurm says ${state}, and its script has not begun on n1: is the folder of Orrery's jobs there (--shared)? Is its disk full?`;
      expect(findOut(job({ endSeenMs }), look({ listed: [over(state)] }))).toMatchObject({
        records: [],
        launchFailure,
      });
    }
    const long = running({ endSeenMs });
    const begun = findOut(long, look({ listed: [over('COMPLETED')], facts: facts({ attempts: [left()] }) }));
    expect(short(begun.records)).toEqual(['AttemptEnded 1 NODE_FAIL 1', 'JobRequeued 1']);
    // A script that ends by itself writes its status first.
    const others = look({ listed: [over('FAILED', 3)], facts: facts({ attempts: [left()] }) });
    expect(findOut(running({ endSeenMs: NOW - 1000 }), others).records).toEqual([]);
    expect(short(findOut(long, others).records)).toEqual(['AttemptEnded 1 NODE_FAIL 3', 'JobRequeued 1']);
    const killed = findOut(long, look({ listed: [over('FAILED', 3)], facts: facts({ attempts: [told(143)] }) }));
    expect(short(killed.records)).toEqual(['AttemptEnded 1 NODE_FAIL 143', 'JobRequeued 1']);
    // Slurm and the script tell of the same end, which is no success.
    const calledOff = look({ listed: [over('COMPLETED')], facts: facts({ attempts: [told(0)] }) });
    const now = findOut(running({ endSeenMs: NOW }), calledOff);
    expect(short(now.records)).toEqual(['AttemptEnded 1 NODE_FAIL 1', 'JobRequeued 1']);
  });

  it('has ended as Slurm says where it ran and somebody deleted its folder: to run it again would be worse', () => {
    const ends = (
      slurmJob: SlurmJob,
      found: Partial<JobFacts>,
      mirror = running({ endSeenMs: NOW - PATIENCE_MS.lost }),
    ) => short(findOut(mirror, look({ listed: [slurmJob], facts: facts({ isFolderGone: true, ...found }) })).records);
    expect(ends(over('COMPLETED'), {})).toEqual(['AttemptEnded 1 COMPLETED 0', 'JobEnded COMPLETED 0']);
    expect(ends(over('FAILED', 3), {})).toEqual(['AttemptEnded 1 FAILED 3', 'JobEnded FAILED 3']);
    // Numbers may have been mixed up, it may never have begun, or slurmd had nowhere to write its output to. Accounting may yet tell.
    const early = running({ endSeenMs: NOW - PATIENCE_MS.forgotten });
    expect(ends(over('COMPLETED'), { isFreshController: true }, early)).toEqual([]);
    expect(ends(over('COMPLETED'), { isFreshController: true })).toEqual(['LaunchFailed 1']);
    expect(ends(over('COMPLETED'), {}, job({ endSeenMs: 0 }))).toEqual([]);
    expect(ends(over('FAILED', 0, { exitStatus: { code: 0, signal: 53 } }), {})).toEqual(['LaunchFailed 1']);
  });

  it('and that Slurm gave up with what it had launched of it is lost; what was killed otherwise has failed', () => {
    const ends = (reason: string, status: number) => {
      const listed = [over('FAILED', 0, { reason })];
      return short(findOut(running(), look({ listed, facts: facts({ attempts: [exited(status)] }) })).records);
    };
    expect(ends('JobLaunchFailure', 137)).toEqual(['AttemptEnded 1 NODE_FAIL 137', 'JobRequeued 1']);
    expect(ends('NonZeroExitCode', 137)).toEqual(['AttemptEnded 1 FAILED 137', 'JobEnded FAILED 137']);
    expect(ends('JobLaunchFailure', 3)).toEqual(['AttemptEnded 1 FAILED 3', 'JobEnded FAILED 3']);
  });

  it('and that was killed for the end of another of the same number is lost', () => {
    const ends = (state: string, code: number, own: AttemptFacts) => {
      const listed = [over(state, code)];
      return short(findOut(running(), look({ listed, facts: facts({ attempts: [own] }) })).records);
    };
    const lost = ['AttemptEnded 1 NODE_FAIL 137', 'JobRequeued 1'];
    expect(ends('FAILED', 9, exited(137))).toEqual(lost);
    expect(ends('COMPLETED', 0, exited(137))).toEqual(lost);
    expect(ends('FAILED', 137, exited(137))).toEqual(['AttemptEnded 1 FAILED 137', 'JobEnded FAILED 137']);
    // Its script came second, and says so.
    expect(ends('FAILED', 73, left())).toEqual(['AttemptEnded 1 NODE_FAIL 73', 'JobRequeued 1']);
  });

  it('is held by Slurm: taken back, to be submitted again', () => {
    const held = slurm({ reason: 'launch failed requeued held', restarts: 1, priority: 0 });
    expect(findOut(job(), look({ listed: [held], facts: null })).needsFacts).toBe(true);
    expect(findOut(job(), look({ listed: [held] }))).toMatchObject({
      cancel: ['50'],
      launchFailure: 'Slurm: launch failed requeued held',
    });
  });

  it('is held by a Slurm that has forgotten that it ran: its end counts, or it is lost', () => {
    const held = slurm({ reason: 'launch failed requeued held', restarts: 1, priority: 0 });
    const over = findOut(job(), look({ listed: [held], facts: facts({ attempts: [exited(0)] }) }));
    expect(short(over.records)).toEqual([
      'AttemptStarting 1',
      'AttemptStarted 1',
      'AttemptEnded 1 COMPLETED 0',
      'JobEnded COMPLETED 0',
    ]);
    const lost = findOut(job(), look({ listed: [held], facts: facts({ attempts: [left()] }) }));
    expect(short(lost.records)).toEqual([
      'AttemptStarting 1',
      'AttemptStarted 1',
      'AttemptEnded 1 NODE_FAIL 1',
      'JobRequeued 1',
    ]);
    expect(lost).toMatchObject({ cancel: ['50'], isSubmissionDue: true });
  });
});
