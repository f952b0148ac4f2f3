import { expect, it } from 'vitest';
import { LAUNCH_STATUS } from './end-words.ts';
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

it('a start is none of the future where only Slurm rounded: it tells whole seconds', () => {
  const mirror = job({ request: { ...submitted, submitMs: 100_900 } });
  const begins = onNodes({ state: 'RUNNING', submitMs: 100_000, startMs: 101_000 });
  expect(told(mirror, { askedMs: 101_500, nowMs: 101_500, listed: [begins] })[0]).toBe('AttemptStarting 1 at 101000');
});

it('one that was not launched ends no sooner than it began', () => {
  const mirror = running({ request: submitted });
  const unlaunched = over('FAILED', LAUNCH_STATUS);
  expect(told(mirror, { listed: [unlaunched], facts: facts() })).toEqual([
    expect.stringMatching(/^LaunchFailed .* at 500000$/),
  ]);
});

it('what never began ends no sooner than it was submitted', () => {
  const cancelled = slurm({ state: 'CANCELLED', endMs: 200_000 });
  const mirror = job({ request: submitted, isCancelRequested: true });
  expect(told(mirror, { listed: [cancelled] })).toEqual(['JobEnded CANCELLED 1 at 100000']);
});
