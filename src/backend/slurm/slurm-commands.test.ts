import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SlurmCommands } from './slurm-commands.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-commands-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** A program of this name on the PATH. */
function program(name: string, script: string): void {
  writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

function commands(host: string | null, env: Record<string, string> = {}): SlurmCommands {
  const path = `${folder}:/usr/bin:/bin`;
  return new SlurmCommands({ host, socketFolder: null, env: { PATH: path, ...env }, timeoutMs: 5000 });
}

const WORDS = ['--partition=a b', "it's", '$(touch x); `id`', '', '*', 'two\nlines'];
const SHOW = 'printf "%s|" "$@"; printf "%s" "$SLURM_TIME_FORMAT"; cat';

describe("Slurm's commands", () => {
  it('get every word as it is, and their input', async () => {
    program('squeue', SHOW);
    expect(await commands(null).run('squeue', WORDS, { stdin: 'in' })).toBe(`${WORDS.join('|')}|in`);
  });

  it('get every word as it is through the shell of another host', async () => {
    program('squeue', SHOW);
    // What sshd does: the words behind the host, joined, are given to the user's shell.
    program('ssh', 'while [ "$1" != -- ]; do shift; done; [ "$2" = login1 ] || exit 9; shift 2; exec /bin/sh -c "$*"');
    const answer = await commands('login1').run('squeue', WORDS, {
      stdin: 'in',
      variables: { SLURM_TIME_FORMAT: '%s x' },
    });
    expect(answer).toBe(`${WORDS.join('|')}|%s xin`);
  });

  it('do not see variables that would change their options', async () => {
    program('sbatch', 'printf "%s" "$SBATCH_PARTITION$SLURM_JOB_ID$SLURM_CONF"');
    const env = { SBATCH_PARTITION: 'p', SLURM_JOB_ID: '1', SLURM_CONF: '/etc/slurm.conf' };
    expect(await commands(null, env).run('sbatch', [])).toBe('/etc/slurm.conf');
  });

  it('fail in one line: not there, not in time, not with 0', async () => {
    await expect(commands(null, { PATH: folder }).run('sinfo', [])).rejects.toMatchObject({ kind: 'missing' });
    program('sacct', 'exec sleep 60');
    await expect(commands(null).run('sacct', [], { timeoutMs: 200 })).rejects.toMatchObject({ kind: 'unreachable' });
    program('scancel', 'echo "scancel: error: Kill job error on job id 5: Invalid job id specified" >&2; exit 1');
    await expect(commands(null).run('scancel', ['5'])).rejects.toMatchObject({ kind: 'unknownJob' });
  });

  it('are over when they have ended and all is read, whoever holds their stderr; and in time, whoever holds their stdout', async () => {
    const startedAt = performance.now();
    program('ssh', 'sleep 4 >/dev/null & echo 12');
    expect(await commands('login1').run('sbatch', [])).toBe('12\n');
    program('squeue', 'echo "squeue: error: no" >&2; sleep 4 & exit 1');
    await expect(commands(null).run('squeue', [], { timeoutMs: 300 })).rejects.toMatchObject({
      said: 'no answer within 0.3 s',
    });
    expect(performance.now() - startedAt).toBeLessThan(4000);
  });

  it('fail where they print more than can be read', async () => {
    program('squeue', 'exec head -c 3000000 /dev/zero');
    const env = { PATH: `${folder}:/usr/bin:/bin` };
    const limited = new SlurmCommands({
      host: null,
      socketFolder: null,
      env,
      timeoutMs: 5000,
      outputBytesMax: 2 * 1024 ** 2,
    });
    await expect(limited.run('squeue', [])).rejects.toThrow('squeue: printed more than 2 MiB');
  });
});
