import { readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runScript, withJob } from './script-run.test-support.ts';

const KILLED = 'srun: error: n2: task 1: Killed';
const TERMINATING = 'srun: launch/slurm: _step_signal: Terminating StepId=50.0';
const FORCED = 'srun: Force Terminated StepId=50.0';
const ABORTED = 'srun: Job step aborted: Waiting up to 32 seconds for job step to finish.';
const MISSING = 'srun: error: Aborting, io error and missing step on node 1';
const WELL = 'echo JobId=50 JobName=train.orrery-0a1b2c3d-12-1 UserId=me JobState=RUNNING Reason=None';
const UNKNOWN = 'echo slurm_load_jobs error: Invalid job id specified >&2; exit 1';
const OTHERS = WELL.replace('-12-1', '-13-1');
const OVER = WELL.replace('RUNNING', 'FAILED');
const RENAMED = WELL.replace('train.orrery-0a1b2c3d-12-1', 'mine');

interface Case {
  said: readonly string[];
  /** What scontrol does when it is asked for the job. */
  shown: string;
  /** The link to the rank that said of itself that it failed, where one did. */
  failed?: string;
  status?: number;
}

interface Left {
  exit: string;
  failed: string | null;
}

/** What is left of an attempt whose srun said this. */
async function leftBy({ said, shown, failed, status = 137 }: Case): Promise<Left> {
  let left: Left = { exit: '', failed: null };
  await withJob((folder) => {
    const scontrol = `#!/bin/sh\ncase $* in *'show job'*) ${shown} ;; *) echo localhost ;; esac\n`;
    writeFileSync(join(folder, 'scontrol'), scontrol, { mode: 0o755 });
    const link = failed === undefined ? '' : `ln -s '${failed}' "$attempt_folder/failed";`;
    const tasks = `touch "$attempt_folder/begun"; ${link} echo '${said.join('\n')}' >&2; exit ${status}`;
    runScript(folder, { tasks }, { SLURM_JOB_ID: '50' });
    const attempt = join(folder, 'job', 'attempts', '1');
    left = { exit: readFileSync(join(attempt, 'exit'), 'utf8'), failed: linkOf(join(attempt, 'failed')) };
  });
  return left;
}

function linkOf(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

describe('of tasks that SIGKILL ended the batch script says', () => {
  it.each<[what: string, shown: string, exit: string]>([
    ['that they failed where slurmctld knows the job', WELL, '137\n'],
    ['the same where somebody has renamed it', RENAMED, '137\n'],
    ['that they were called off where slurmctld does not know it', UNKNOWN, '137 KILL\n'],
    ['the same where slurmctld gave its number to another job', OTHERS, '137 KILL\n'],
    ['the same where slurmctld has an end of that number', OVER, '137 KILL\n'],
    [
      'the same where somebody took nodes of it away',
      `${WELL} ResizeTime=2026-11-28T11:36:55 NumNodes=2`,
      '137 KILL\n',
    ],
  ])('%s', async (_what, shown, exit) => {
    // What srun says is the same, whether a task killed itself and its shell or a node was told that there is no such job.
    expect(await leftBy({ said: [KILLED, TERMINATING, FORCED], shown })).toEqual({ exit, failed: '1 137 n2' });
    const own = {
      said: ['srun: error: n1: task 0: Exited with exit code 137', TERMINATING],
      shown,
      failed: '0 137 n1',
    };
    expect(await leftBy(own)).toEqual({ exit, failed: '0 137 n1' });
  });

  it.each<[what: string, said: readonly string[]]>([
    ['the step', [ABORTED, 'srun: error: n1: task 0: Killed', TERMINATING]],
    ['the step for a part of it that is missing', [MISSING, ABORTED, 'srun: error: n1: task 0: Killed', TERMINATING]],
  ])('that they were called off where srun was told to end %s', async (_what, said) => {
    expect(await leftBy({ said, shown: WELL })).toEqual({ exit: '137 KILL\n', failed: null });
  });

  it('which was the first, where others were told to end for it', async () => {
    const said = [KILLED, TERMINATING, 'srun: error: n1: task 0: Exited with exit code 143'];
    const left = await leftBy({ said, shown: WELL, failed: '0 143 n1', status: 143 });
    expect(left).toEqual({ exit: '137\n', failed: '1 137 n2' });
  });

  it('no word of those that fell for the failure of another', async () => {
    const said = ['srun: error: n1: task 0: Exited with exit code 3', TERMINATING, KILLED];
    expect(await leftBy({ said, shown: UNKNOWN, failed: '0 3 n1' })).toEqual({ exit: '3\n', failed: '0 3 n1' });
  });
});
