import { expect, it } from 'vitest';
import type { MirrorJob } from './mirror-job.ts';
import { findOut } from './mirror.ts';
import { exited, facts, job, look, onNodes, over, run, running, short, slurm } from './mirror.test-support.ts';

/** Our clock by now: hours before all that the journal and Slurm have of the job. */
const BACK = 1_000;

const submitted = { ...job().request, submitMs: 100_000 };
/** What the journal gets, and when. */
const told = (mirror: MirrorJob, fields: Parameters<typeof look>[0]) => {
  const { records } = findOut(mirror, look({ askedMs: BACK, nowMs: BACK, ...fields }));
  return records.map((record) => `${short([record])[0]} at ${record.event.atMs}`);
};
const own = facts({ attempts: [exited(0)] });

it('an attempt that began before our clock was set back has run as long as Slurm says', () => {
  const mirror = running({ request: submitted, phaseSinceMs: 0 });
  expect(told(mirror, { listed: [over('COMPLETED')], facts: own })).toEqual([
    'AttemptEnded 1 COMPLETED 0 at 900000',
    'JobEnded COMPLETED 0 at 900000',
  ]);
});

it('one of which only its script tells has run as long as that did', () => {
  const mirror = running({ request: submitted, phaseSinceMs: 0 });
  expect(told(mirror, { facts: own })).toEqual([
    'AttemptEnded 1 COMPLETED 0 at 899000',
    'JobEnded COMPLETED 0 at 899000',
  ]);
});

it('one that Slurm has put back in the queue has run as long as accounting says', () => {
  const mirror = running({ request: submitted });
  const again = slurm({ restarts: 1 });
  expect(told(mirror, { listed: [again], facts: facts({ runs: [run('PREEMPTED')] }) })).toEqual([
    'AttemptEnded 1 PREEMPTED 1 at 900000',
    'JobRequeued 0 at 900000',
  ]);
});

it('one that is seen for the first time began no sooner than it had waited, and ended no sooner than it had run', () => {
  const mirror = job({ request: submitted });
  expect(told(mirror, { listed: [onNodes({ state: 'RUNNING' })] })).toEqual([
    'AttemptStarting 1 at 500000',
    'AttemptStarted 1 at 500000',
  ]);
  expect(told(mirror, { listed: [over('COMPLETED')], facts: own }).slice(0, 3)).toEqual([
    'AttemptStarting 1 at 500000',
    'AttemptStarted 1 at 500000',
    'AttemptEnded 1 COMPLETED 0 at 900000',
  ]);
});

it('what never began ends no sooner than it was submitted', () => {
  const cancelled = slurm({ state: 'CANCELLED', endMs: 200_000 });
  const mirror = job({ request: submitted, isCancelRequested: true });
  expect(told(mirror, { listed: [cancelled] })).toEqual(['JobEnded CANCELLED 1 at 100000']);
});
