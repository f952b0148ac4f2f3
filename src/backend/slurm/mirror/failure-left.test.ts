import { describe, expect, it } from 'vitest';
import { DUPLICATE_STATUS } from './end-words.ts';
import { type JobFacts, PATIENCE_MS } from './finding.ts';
import { findOut } from './mirror.ts';
import type { MirrorJob } from './mirror-job.ts';
import { facts, left, look, NOW, onNodes, over, run, running, short, slurm } from './mirror.test-support.ts';

const failed = (status: number) => ({ rank: 0, status, nodeName: 'n1', atMs: 700_000 });

/** One node, and a rank on it that failed with this status; its script was killed before it could say so. */
function silent(fields: Partial<MirrorJob> = {}): MirrorJob {
  const job = running(fields);
  return { ...job, request: { ...job.request, nodes: 1 } };
}

const found = (status: number, fields: Partial<JobFacts> = {}) =>
  facts({ attempts: [left({ failed: failed(status) })], ...fields });
const FAILED_4 = ['AttemptEnded 1 FAILED 4', 'JobEnded FAILED 4'];
const LOST = ['AttemptEnded 1 NODE_FAIL 1', 'JobRequeued 1'];

describe('the word of a rank that failed stands for that of a script that left none', () => {
  const missing = (job: MirrorJob, status = 4) => {
    const since = { missingSinceMs: NOW - PATIENCE_MS.lost };
    return findOut({ ...job, ...since }, look({ facts: found(status) }));
  };

  it('where Slurm knows nothing of the job any more: its work is not done again', () => {
    const finding = missing(silent());
    expect(short(finding.records)).toEqual(FAILED_4);
    expect(finding.records[0]).toMatchObject({
      event: { atMs: 700_000 },
      message: 'rank 0 on n1 exited with status 4',
    });
    expect(short(missing(silent(), 139).records)).toEqual(['AttemptEnded 1 FAILED 139', 'JobEnded FAILED 139']);
  });

  it('once the script has had time to say it', () => {
    const early = silent({ missingSinceMs: NOW - PATIENCE_MS.lost + 1 });
    expect(findOut(early, look({ facts: found(4) })).records).toEqual([]);
  });

  it('not where Slurm may have ended the rank, nor of several nodes, one of which may have been lost', () => {
    for (const status of [137, 143]) expect(short(missing(silent(), status).records)).toEqual(LOST);
    expect(short(missing(running()).records)).toEqual(LOST);
  });

  it('where Slurm has forgotten that the job began, and would begin it anew', () => {
    const finding = findOut(silent(), look({ listed: [slurm({ restarts: 0 })], facts: found(4) }));
    expect(short(finding.records)).toEqual(FAILED_4);
    expect(finding).toMatchObject({ cancel: ['50'], isSubmissionDue: false });
    const held = slurm({ restarts: 0, reason: 'launch failed requeued held' });
    const unseen = { ...silent(), live: null, attempt: 0 };
    const stuck = findOut(unseen, look({ listed: [held], facts: found(4) }));
    expect(short(stuck.records)).toEqual(['AttemptStarting 1', 'AttemptStarted 1', ...FAILED_4]);
  });

  it('not where Slurm has put the job back in the queue, and knows why', () => {
    const requeued = look({ listed: [slurm({ restarts: 1 })], facts: found(4, { runs: [run('NODE_FAIL')] }) });
    expect(short(findOut(silent(), requeued).records)).toEqual(LOST);
  });

  it('not yet where another job of Slurm found it begun: the one that began it may be about to say it, or wait for its end', () => {
    const record = { ...silent().record, slurmJobId: 51 };
    const second = over('FAILED', DUPLICATE_STATUS, { slurmJobId: 51, nodeNames: ['n1'] });
    expect(findOut(silent({ record }), look({ listed: [second], facts: found(4) }))).toMatchObject({
      adopt: 50,
      records: [],
    });
  });

  it('where Slurm has begun it a second time, which did nothing, or tells the end of another', () => {
    const twice = over('FAILED', DUPLICATE_STATUS, { nodeNames: ['n1'] });
    expect(short(findOut(silent(), look({ listed: [twice], facts: found(4) })).records)).toEqual(FAILED_4);
    const other = over('COMPLETED', 0, { nodeNames: ['n1'] });
    const late = silent({ endSeenMs: NOW - PATIENCE_MS.lost });
    expect(short(findOut(late, look({ listed: [other], facts: found(4) })).records)).toEqual(FAILED_4);
    expect(findOut(silent(), look({ listed: [other], facts: found(4) })).records).toEqual([]);
    expect(findOut(silent(), look({ listed: [onNodes({ state: 'RUNNING' })], facts: found(4) })).records).toEqual([]);
  });
});
