import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runScript, withJob } from './script-run.test-support.ts';

describe('where srun waited in vain, the batch script', () => {
  const nodeText = (name: string, state: string, since = '2020-01-01T00:00:00') =>
    `NodeName=${name} Arch=x86_64 CPUAlloc=1 State=${state} ThreadsPerCore=1 SlurmdStartTime=${since} Reason=State=DOWN [root]\n`;
  const timedOut = [
    'srun: error: n1: task 0: Exited with exit code 1',
    'srun: Job step aborted: Waiting up to 32 seconds for job step to finish.',
    'srun: error: Timed out waiting for job step to complete',
  ];
  const notLaunched = ['srun: error: Task launch for StepId=50.0 failed on node n2: Unable to contact slurmd'];

  it.each<[what: string, said: readonly string[], nodes: string, exit: string, lost: string | null]>([
    ['has a node that does not answer', timedOut, nodeText('n2', 'ALLOCATED*'), '1 NODE\n', 'n2\n'],
    ['has one by the name of a newer Slurm', timedOut, nodeText('n2', 'MIXED+NOT_RESPONDING'), '1 NODE\n', 'n2\n'],
    ['has a node that is down', notLaunched, nodeText('n2', 'DOWN+DRAIN'), '1 NODE\n', 'n2\n'],
    ['has one that began anew', timedOut, nodeText('n2', 'IDLE', '2199-01-01T00:00:00'), '1 NODE\n', 'n2\n'],
    ['has one of which Slurm does not know that', timedOut, nodeText('n2', 'IDLE', 'None'), '1\n', ''],
    ['has nodes that are well', timedOut, nodeText('n2', 'ALLOCATED'), '1\n', ''],
    ['was ended by srun in time', timedOut.slice(0, 1), nodeText('n2', 'ALLOCATED*'), '1\n', null],
  ])('calls a gang lost, or not, that %s', (_what, said, nodes, exit, lost) => {
    return withJob((folder) => {
      writeFileSync(join(folder, 'nodes'), nodeText('n1', 'MIXED') + nodes);
      const scontrol = `#!/bin/sh\n[ "$2 $3" = "show node" ] && cat '${folder}/nodes' || echo localhost\n`;
      writeFileSync(join(folder, 'scontrol'), scontrol, { mode: 0o755 });
      const tasks = `touch "$attempt_folder/begun"; echo '${said.join('\n')}' >&2; exit 1`;
      expect(runScript(folder, { tasks }, { SLURM_JOB_ID: '50' })).toBe(1);
      const attempt = join(folder, 'job', 'attempts', '1');
      expect(readFileSync(join(attempt, 'exit'), 'utf8')).toBe(exit);
      expect(existsSync(join(attempt, 'lost')) ? readFileSync(join(attempt, 'lost'), 'utf8') : null).toBe(lost);
    });
  });

  it.each([
    [
      'began anew in the hour that comes twice, after the attempt began',
      '2026-10-25T00:50:00Z',
      '2026-10-25T01:20:00Z',
      'n2\n',
    ],
    ['had begun in that hour before it came again', '2026-10-25T01:05:00Z', '2026-10-25T00:55:00Z', ''],
  ])('goes by no local time for a node that %s', (_what, begun, since, lost) => {
    return withJob((folder) => {
      const program = (name: string, text: string) =>
        writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
      program('date', `exec /usr/bin/date -d ${begun} "$@"`);
      const started = `$(/usr/bin/date -d ${since} +%Y-%m-%dT%H:%M:%S)`;
      program(
        'scontrol',
        `[ "$2 $3" = "show node" ] || exec echo localhost\necho "NodeName=n2 State=IDLE SlurmdStartTime=${started}"`,
      );
      const tasks = `touch "$attempt_folder/begun"; echo '${timedOut.join('\n')}' >&2; exit 1`;
      runScript(folder, { tasks }, { SLURM_JOB_ID: '50', TZ: 'CET-1CEST,M3.5.0,M10.5.0/3' });
      expect(readFileSync(join(folder, 'job', 'attempts', '1', 'lost'), 'utf8')).toBe(lost);
    });
  });

  it('calls it no success that srun ended with 0 and knew of no end of its tasks', () => {
    const calledOff = timedOut.slice(1).join('\n');
    return withJob((folder) => {
      const attempt = join(folder, 'job', 'attempts', '1');
      const said = `echo '${calledOff}' >&2`;
      // Its tasks have not begun: so it may begin again.
      expect(runScript(folder, { tasks: said }, { SLURM_JOB_ID: '50' })).toBe(75);
      expect(existsSync(join(attempt, 'exit'))).toBe(false);
      runScript(folder, { tasks: `touch "$attempt_folder/begun"; ${said}` }, { SLURM_JOB_ID: '50' });
      expect(readFileSync(join(attempt, 'exit'), 'utf8')).toBe('0 TERM\n');
    });
  });

  it('goes by the rank that failed where srun ended with 0', () => {
    return withJob((folder) => {
      const tasks = `touch "$attempt_folder/begun"; ln -s '1 3 n1' "$attempt_folder/failed"; echo '${timedOut.join('\n')}' >&2`;
      expect(runScript(folder, { tasks }, { SLURM_JOB_ID: '50' })).toBe(3);
      expect(readFileSync(join(folder, 'job', 'attempts', '1', 'exit'), 'utf8')).toBe('3\n');
    });
  });
});
