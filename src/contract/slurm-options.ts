/** Options of sbatch (its manual page, Slurm 22.05) that are handed to it as they are: nothing here goes by them. */
const NAMES: ReadonlySet<string> = new Set([
  'acctg-freq',
  'batch',
  'bb',
  'bbf',
  'cluster-constraint',
  'contiguous',
  'core-spec',
  'cores-per-socket',
  'cpu-freq',
  'deadline',
  'delay-boot',
  'distribution',
  'exclusive',
  'extra-node-info',
  'gpu-bind',
  'gpu-freq',
  'gpus-per-socket',
  'gpus-per-task',
  'gres-flags',
  'hint',
  'mail-type',
  'mail-user',
  'mcs-label',
  'mem-bind',
  'mincpus',
  'network',
  'ntasks-per-core',
  'ntasks-per-socket',
  'overcommit',
  'oversubscribe',
  'power',
  'prefer',
  'profile',
  'propagate',
  'reboot',
  'sockets-per-node',
  'spread-job',
  'thread-spec',
  'threads-per-core',
  'time-min',
  'tmp',
  'use-min-nodes',
  'wait-all-nodes',
  'wckey',
]);

/** Whether sbatch's option of this name is handed on. */
export function isHandedOn(name: string): boolean {
  return NAMES.has(name);
}

/** Whether it is such an option with its value, as one word: `--hint=nomultithread`. */
export function isSlurmOption(word: string): boolean {
  const [, name = ''] = /^--([a-z][a-z-]*)(?:=.+)?$/s.exec(word) ?? [];
  // oxlint-disable-next-line no-control-regex
  return isHandedOn(name) && !/[\0-\x1f]/.test(word);
}
