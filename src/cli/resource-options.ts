import type { Command } from 'commander';
import { integer, repeated } from './command.ts';

/** The flags for what a job asks for and whom it counts for: those of `run` and `shell` alike. */
export function addResourceOptions(command: Command): Command {
  return command
    .option('-N, --nodes <n>', 'nodes, all at once or none', integer(1))
    .option('--gpus-per-node <n>', 'GPUs on each node: 8, or a100:8')
    .option('--ntasks-per-node <n>', 'ranks on each node (default: one a GPU)', integer(1))
    .option('-c, --cpus-per-task <n>', 'CPUs of each rank (default: 1, or as Slurm gives)', integer(1))
    .option('--mem <size>', 'memory on each node: 512M, 2G (default: 512M, on Slurm what Slurm gives)')
    .option('--mem-per-cpu <size>', 'the same for each CPU')
    .option('--mem-per-gpu <size>', 'the same for each GPU')
    .option('-t, --time <limit>', 'time limit: 30m, 2h, 1-12:00:00')
    .option('-J, --name <name>', 'name of the job')
    .option('-A, --account <name>', 'account that is charged')
    .option('-q, --qos <name>', 'quality of service')
    .option('-p, --partition <name>', 'partition to run in, or several: a,b')
    .option('--reservation <name>', 'reservation to run in')
    .option('-w, --nodelist <nodes>', 'nodes it runs on, on Slurm: n1,n[3-5]', repeated)
    .option('-C, --constraint <features>', 'features of its nodes, on Slurm: a100')
    .option('--gres <list>', 'other generic resources of a node, on Slurm')
    .option('-L, --licenses <list>', 'licenses, on Slurm: matlab:2')
    .option('--switches <n[@time]>', 'leaf switches at most, on Slurm: 1@12:00:00')
    .option('--comment <text>', 'for people who look at it in Slurm')
    .option('-x, --exclude <nodes>', 'nodes not to use: n1,n[3-5]', repeated)
    .option('--exclusive', 'whole nodes');
}
