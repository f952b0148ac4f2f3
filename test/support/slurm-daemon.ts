import { spawnSync } from 'node:child_process';
import { removeHome, type RunningDaemon, startDaemon } from './daemon.ts';
import type { SlurmCluster } from './slurm-cluster.ts';

/** Lines of `slurm.conf` with which Slurm plans within a second and gives tasks two between SIGTERM and SIGKILL, and 128 MiB for each CPU. */
export const QUICK_LINES = [
  'SchedulerParameters=bf_interval=1,bf_resolution=1,batch_sched_delay=1,sched_interval=2',
  'KillWait=2',
  // Elsewhere a job that names no memory has all of its node.
  'DefMemPerCPU=128',
] as const;

/** `sacctmgr` commands for one account that these users may charge, and charge by default. */
export function researchAccount(...users: readonly string[]): string[][] {
  return [
    ['add', 'account', 'research'],
    ...users.map((user) => ['add', 'user', user, 'account=research', 'defaultaccount=research']),
  ];
}

/** What points Slurm's commands at the cluster. */
export function slurmVariables({ env }: SlurmCluster): { SLURM_CONF: string } {
  return { SLURM_CONF: env['SLURM_CONF'] ?? '' };
}

/** The built daemon over the cluster; it looks at Slurm every 300 ms at least. */
export function startSlurmDaemon(home: string, slurm: SlurmCluster): Promise<RunningDaemon> {
  return startDaemon(home, slurmVariables(slurm), ['--backend', 'slurm', '--poll-ms', '300']);
}

/**
 * What slurmctld drains by itself an operator has to put back, and here that is who calls this: a slurmctld that lost its memory begins jobs a second time
 * where they run, is told so by slurmd, and drains the node for it. Each node with slurmctld's reason.
 */
export function resumeNodes({ env }: SlurmCluster): string[] {
  const options = { env, encoding: 'utf8', timeout: 10_000 } as const;
  const { stdout } = spawnSync('sinfo', ['-h', '-N', '-t', 'drain', '-o', '%N %E'], options);
  const drained = [...new Set((stdout ?? '').split('\n'))].filter((line) => line !== '');
  for (const line of drained)
    spawnSync('scontrol', ['update', `NodeName=${line.split(' ')[0]}`, 'State=RESUME'], options);
  return drained;
}

/** Kills the daemon and the cluster and removes the home, as far as they came up. */
export async function endSlurmDaemon(
  home: string,
  slurm: SlurmCluster | undefined,
  daemon: RunningDaemon | undefined,
): Promise<void> {
  daemon?.process.kill('SIGKILL');
  await daemon?.exited;
  await slurm?.stop();
  if (home !== '') await removeHome(home);
}
