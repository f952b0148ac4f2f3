import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runScript, withJob } from './script-run.test-support.ts';

const shown = (preemptTime: string) =>
  `echo "JobId=50 JobName=train.orrery-0a1b2c3d-12-1 JobState=RUNNING StartTime=2026-11-28T08:30:50 PreemptTime=${preemptTime} Account=me"`;
const PREEMPTED = shown('2026-11-28T08:30:54');

/** What is left of an attempt whose tasks end so. `asked`: what scontrol does when it is asked for the job, by how often it was before. */
async function leftBy(
  status: number,
  asked: readonly string[],
): Promise<{ exit: string; asked: number; seen: string }> {
  let left = { exit: '', asked: 0, seen: '' };
  await withJob((folder) => {
    const cases = asked.map((does, times) => `${times}) ${does} ;;`);
    const scontrol = `#!/bin/sh
case $* in *'show job'*) ;; *) exec echo localhost ;; esac
times=$(wc -l < '${folder}/asked')
echo >> '${folder}/asked'
case $times in ${cases.join(' ')} *) ${asked.at(-1) ?? ''} ;; esac
`;
    writeFileSync(join(folder, 'scontrol'), scontrol, { mode: 0o755 });
    writeFileSync(join(folder, 'asked'), '');
    writeFileSync(join(folder, 'seen'), '');
    const tasks = `touch "$attempt_folder/begun"; echo $PPID > '${folder}/pid'; exit ${status}`;
    // Slurm tells the script when the time is over.
    writeFileSync(join(folder, 'tell'), `#!/bin/sh\nkill -TERM "$(cat '${folder}/pid')"\n${PREEMPTED}\n`, {
      mode: 0o755,
    });
    runScript(folder, { tasks }, { SLURM_JOB_ID: '50' });
    const times = readFileSync(join(folder, 'asked'), 'utf8').length;
    const seen = readFileSync(join(folder, 'seen'), 'utf8');
    left = { exit: readFileSync(join(folder, 'job', 'attempts', '1', 'exit'), 'utf8'), asked: times, seen };
  });
  return left;
}

describe('tasks that fail in the GraceTime of a preemption', () => {
  it.each([143, 1])('leave the script to what Slurm does at the end of it: status %i', async (status) => {
    expect(await leftBy(status, [PREEMPTED, 'tell'])).toMatchObject({ exit: `${status} TERM\n`, asked: 2 });
  });

  it('are called off where Slurm takes it back, or is not there any more', async () => {
    expect(await leftBy(1, [PREEMPTED, shown('None')])).toMatchObject({ exit: '1 KILL\n', asked: 2 });
    expect(await leftBy(1, [PREEMPTED, 'exit 1'])).toMatchObject({ exit: '1 KILL\n', asked: 2 });
  });

  it('have their end written down before Slurm is asked, which may never answer, and not while it may still be another', async () => {
    for (const [status, end] of [
      [1, '1'],
      [143, '143 TERM'],
    ] as const) {
      const seen = `cat "$(dirname "$0")/job/attempts/1/exit" >> "$(dirname "$0")/seen" 2>&1 || echo none >> "$(dirname "$0")/seen"`;
      const left = await leftBy(status, [`${seen}; ${PREEMPTED}`, `${seen}; ${shown('None')}`]);
      expect(left.seen.replace(/^cat: .*\n/m, '')).toBe(`${end}\nnone\n`);
    }
  });

  it('have done what they were to do where they end with 0, which nobody is asked about', async () => {
    expect(await leftBy(0, [PREEMPTED])).toMatchObject({ exit: '0\n', asked: 0 });
  });

  it('are no other than tasks that fail at any time where there is none', async () => {
    expect(await leftBy(1, [shown('None')])).toMatchObject({ exit: '1\n', asked: 1 });
    expect(await leftBy(1, [shown('2026-11-28T08:20:00')])).toMatchObject({ exit: '1\n', asked: 1 });
    expect(await leftBy(143, ['exit 1'])).toMatchObject({ exit: '143 TERM\n', asked: 1 });
  });
});
