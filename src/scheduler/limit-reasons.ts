import type { PendingReason } from './types.ts';

/** What limits are on. */
export const RESOURCES = ['jobs', 'nodes', 'gpus', 'cpus'] as const;
/** Slurm's words for a limit on each. */
export type Reasons = Record<(typeof RESOURCES)[number], PendingReason>;

export const QOS_GROUP: Reasons = {
  jobs: 'QOSGrpJobsLimit',
  nodes: 'QOSGrpNodeLimit',
  gpus: 'QOSGrpGRES',
  cpus: 'QOSGrpCpuLimit',
};
export const QOS_USER: Reasons = {
  jobs: 'QOSMaxJobsPerUserLimit',
  nodes: 'QOSMaxNodePerUserLimit',
  gpus: 'QOSMaxGRESPerUser',
  cpus: 'QOSMaxCpuPerUserLimit',
};
export const QOS_ACCOUNT: Reasons = {
  jobs: 'MaxJobsPerAccount',
  nodes: 'MaxNodePerAccount',
  gpus: 'MaxGRESPerAccount',
  cpus: 'MaxCpuPerAccount',
};
export const QOS_JOB = {
  nodes: 'QOSMaxNodePerJobLimit',
  gpus: 'QOSMaxGRESPerJob',
  cpus: 'QOSMaxCpuPerJobLimit',
} as const;
export const ACCOUNT_GROUP: Reasons = {
  jobs: 'AssocGrpJobsLimit',
  nodes: 'AssocGrpNodeLimit',
  gpus: 'AssocGrpGRES',
  cpus: 'AssocGrpCpuLimit',
};
export const ACCOUNT_USER: Reasons = { ...ACCOUNT_GROUP, jobs: 'AssocMaxJobsLimit' };
export const ACCOUNT_JOB = {
  nodes: 'AssocMaxNodePerJobLimit',
  gpus: 'AssocMaxGRESPerJob',
  cpus: 'AssocMaxCpuPerJobLimit',
} as const;
