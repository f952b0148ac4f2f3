import { describeSlurmBackend } from './support/slurm-contract.ts';

describeSlurmBackend('slurm', { hasAccounting: true });
