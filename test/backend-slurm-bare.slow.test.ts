import { describeSlurmBackend } from './support/slurm-contract.ts';

// Without a database: ends are taken from squeue and from what the scripts leave.
describeSlurmBackend('slurm without accounting', { hasAccounting: false });
