import { loginShellCommand } from '../../lib/shell-quote.ts';

/**
 * What runs on the login node: `sh` takes out of the environment what files of the login shell put there that would change the options of Slurm's commands,
 * says the mark (its `$0`) on both streams, and becomes the command. Without a word that any shell reads in a way of its own.
 */
const SCRIPT = [
  'for name in $(env | grep -oE "^(SALLOC|SACCT|SACCTMGR|SBATCH|SCANCEL|SCONTROL|SDIAG|SINFO|SLURM|SPRIO|SQUEUE|SRUN|SSHARE)_[A-Z0-9_]+")',
  'do case $name in SLURM_CONF|SLURM_CONF_SERVER|SLURM_JWT) ;; *) unset $name ;; esac',
  'done',
  'echo "$0"',
  'echo "$0" >&2',
  'exec "$@"',
].join('; ');

/** For `ssh HOST`: what the login shell of any user, sh, bash, zsh, csh or fish, runs as `argv` with these variables. */
export function markedCommand(
  mark: string,
  argv: readonly string[],
  variables: Readonly<Record<string, string>>,
): string {
  const assignments = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  const prefix = assignments.length > 0 ? ['env', ...assignments] : [];
  return loginShellCommand(['sh', '-c', SCRIPT, mark, ...prefix, ...argv]);
}

/** What came after the mark: the rest is what the login shell said on the way, or a banner. Null where there is none: nothing was run. */
export function afterMark(mark: string, bytes: Buffer): Buffer | null {
  const line = Buffer.from(`${mark}\n`);
  const start = bytes.indexOf(line);
  return start < 0 ? null : bytes.subarray(start + line.length);
}
