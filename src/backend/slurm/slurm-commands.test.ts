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

  describe('on a login node', () => {
    /** What sshd does, after files that the login shell reads. */
    const login = (files: string) =>
      program('ssh', `${files}\nwhile [ "$1" != -- ]; do shift; done; shift 2; eval "$*"`);

    it('answer without what its shell says, also where that looks like an answer', async () => {
      login('echo "Welcome"; echo 12; echo "use of others is not permitted" >&2; printf "no end of line"');
      program('sbatch', 'echo 13');
      expect(await commands('login1').run('sbatch', [])).toBe('13\n');
      program('sbatch', 'echo "sbatch: error: something new" >&2; exit 1');
      await expect(commands('login1').run('sbatch', [])).rejects.toMatchObject({
        kind: 'unclear',
        message: 'sbatch on login1: something new',
      });
    });

    it('do not see variables that its shell sets and that would change their options', async () => {
      login(
        'export SBATCH_PARTITION=p SQUEUE_FORMAT=%i SLURM_CLUSTERS=other SLURM_TIME_FORMAT=%A SLURM_CONF=/etc/slurm.conf',
      );
      program('squeue', 'printf "%s" "$SBATCH_PARTITION$SQUEUE_FORMAT$SLURM_CLUSTERS,$SLURM_TIME_FORMAT,$SLURM_CONF"');
      const variables = { SLURM_TIME_FORMAT: '%s' };
      expect(await commands('login1').run('squeue', [], { variables })).toBe(',%s,/etc/slurm.conf');
    });

    it('are not taken to have answered where its shell runs none', async () => {
      login('exit 0');
      await expect(commands('login1').run('squeue', [])).rejects.toThrow(
        'squeue on login1: the login shell ran no command: does a file that it reads at its start end it?',
      );
    });
  });

  it('fail in one line: not there, not in time, not with 0', async () => {
    await expect(commands(null, { PATH: folder }).run('sinfo', [])).rejects.toMatchObject({ kind: 'missing' });
    program('sacct', 'exec sleep 60');
    await expect(commands(null).run('sacct', [], { timeoutMs: 200 })).rejects.toMatchObject({ kind: 'unreachable' });
    program('scancel', 'echo "scancel: error: Kill job error on job id 5: Invalid job id specified" >&2; exit 1');
    await expect(commands(null).run('scancel', ['5'])).rejects.toMatchObject({ kind: 'unknownJob' });
  });

  it('are ended where sbatch would try again by itself: the queue of Slurm is full', async () => {
    const full = 'sbatch: error: Slurm temporarily unable to accept job, sleeping and retrying';
    program('sbatch', `echo "${full}" >&2; exec sleep 60`);
    await expect(commands(null).run('sbatch', [])).rejects.toMatchObject({
      kind: 'limit',
      message:
        'sbatch: Slurm temporarily unable to accept job: its queue is full (MaxJobCount) until some of all the jobs there have ended',
    });
  });

  it('are over when they have ended and all is read, whoever holds their stderr; and in time, whoever holds their stdout', async () => {
    const startedAt = performance.now();
    program('ssh', 'sleep 20 >/dev/null &\nwhile [ "$1" != -- ]; do shift; done; shift 2; eval "$*"');
    program('sbatch', 'echo 12');
    expect(await commands('login1').run('sbatch', [])).toBe('12\n');
    program('squeue', 'echo "squeue: error: no" >&2; sleep 20 & exit 1');
    await expect(commands(null).run('squeue', [], { timeoutMs: 300 })).rejects.toMatchObject({
      said: 'no answer within 0.3 s',
    });
    expect(performance.now() - startedAt).toBeLessThan(20_000);
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
