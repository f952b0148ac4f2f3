import type { PendingReason } from './pending-reason.ts';

/** What limits are on, in the order in which they are looked at. */
export const RESOURCES = ['jobs', 'gpus', 'nodes', 'cpus', 'memoryBytes'] as const;
export type Resource = (typeof RESOURCES)[number];
export type JobResource = Exclude<Resource, 'jobs'>;
/** Those that one job has, in the same order. */
export const JOB_RESOURCES = ['gpus', 'nodes', 'cpus', 'memoryBytes'] as const satisfies readonly JobResource[];
/** So much of each resource; Infinity where a limit says nothing of it, or 0 where it is a least. */
export type Amounts = Record<Resource, number>;
/** Slurm's words for a limit on each. */
export type Reasons = Record<Resource, PendingReason>;
/** The same of limits on one job. */
export type JobReasons = Omit<Reasons, 'jobs'>;
/** The same of limits on what it has of a node. */
export type NodeReasons = Omit<JobReasons, 'nodes'>;

export const QOS_GROUP: Reasons = {
  jobs: 'QOSGrpJobsLimit',
  nodes: 'QOSGrpNodeLimit',
  gpus: 'QOSGrpGRES',
  cpus: 'QOSGrpCpuLimit',
  memoryBytes: 'QOSGrpMemLimit',
};
export const QOS_USER: Reasons = {
  jobs: 'QOSMaxJobsPerUserLimit',
  nodes: 'QOSMaxNodePerUserLimit',
  gpus: 'QOSMaxGRESPerUser',
  cpus: 'QOSMaxCpuPerUserLimit',
  memoryBytes: 'QOSMaxMemoryPerUser',
};
export const QOS_ACCOUNT: Reasons = {
  jobs: 'MaxJobsPerAccount',
  nodes: 'MaxNodePerAccount',
  gpus: 'MaxGRESPerAccount',
  cpus: 'MaxCpuPerAccount',
  memoryBytes: 'MaxMemoryPerAccount',
};
export const QOS_JOB: JobReasons = {
  nodes: 'QOSMaxNodePerJobLimit',
  gpus: 'QOSMaxGRESPerJob',
  cpus: 'QOSMaxCpuPerJobLimit',
  memoryBytes: 'QOSMaxMemoryPerJob',
};
/** Of what a job has on each of its nodes. */
export const QOS_NODE: NodeReasons = {
  gpus: 'QOSMaxGRESPerNode',
  cpus: 'QOSMaxCpuPerNode',
  memoryBytes: 'QOSMaxMemoryPerNode',
};
export const ACCOUNT_NODE: NodeReasons = {
  gpus: 'AssocMaxGRESPerNode',
  cpus: 'AssocMaxCpuPerNode',
  memoryBytes: 'AssocMaxMemPerNode',
};
/** Of what a job has to ask for at least. */
export const JOB_MIN: JobReasons = {
  nodes: 'QOSMinNode',
  gpus: 'QOSMinGRES',
  cpus: 'QOSMinCpuNotSatisfied',
  memoryBytes: 'QOSMinMemory',
};
export const ACCOUNT_GROUP: Reasons = {
  jobs: 'AssocGrpJobsLimit',
  nodes: 'AssocGrpNodeLimit',
  gpus: 'AssocGrpGRES',
  cpus: 'AssocGrpCpuLimit',
  memoryBytes: 'AssocGrpMemLimit',
};
export const ACCOUNT_USER: Reasons = { ...ACCOUNT_GROUP, jobs: 'AssocMaxJobsLimit' };
export const ACCOUNT_JOB: JobReasons = {
  nodes: 'AssocMaxNodePerJobLimit',
  gpus: 'AssocMaxGRESPerJob',
  cpus: 'AssocMaxCpuPerJobLimit',
  memoryBytes: 'AssocMaxMemPerJob',
};
/** Of the minutes of a job by its time limit, and of those that running jobs have ahead of them together. */
export const QOS_JOB_MINUTES: JobReasons = {
  nodes: 'QOSMaxNodeMinutesPerJob',
  gpus: 'QOSMaxGRESMinutesPerJob',
  cpus: 'QOSMaxCpuMinutesPerJobLimit',
  memoryBytes: 'QOSMaxMemoryMinutesPerJob',
};
export const QOS_RUN_MINUTES: JobReasons = {
  nodes: 'QOSGrpNodeRunMinutes',
  gpus: 'QOSGrpGRESRunMinutes',
  cpus: 'QOSGrpCPURunMinutesLimit',
  memoryBytes: 'QOSGrpMemoryRunMinutes',
};
export const ACCOUNT_JOB_MINUTES: JobReasons = {
  nodes: 'AssocMaxNodeMinutesPerJob',
  gpus: 'AssocMaxGRESMinutesPerJob',
  cpus: 'AssocMaxCpuMinutesPerJobLimit',
  memoryBytes: 'AssocMaxMemMinutesPerJob',
};
export const ACCOUNT_RUN_MINUTES: JobReasons = {
  nodes: 'AssocGrpNodeRunMinutes',
  gpus: 'AssocGrpGRESRunMinutes',
  cpus: 'AssocGrpCPURunMinutesLimit',
  memoryBytes: 'AssocGrpMemRunMinutes',
};
/** Of the minutes that were used; of `jobs` those of the wall clock. */
export const QOS_USED_MINUTES: Reasons = {
  jobs: 'QOSGrpWallLimit',
  nodes: 'QOSGrpNodeMinutes',
  gpus: 'QOSGrpGRESMinutes',
  cpus: 'QOSGrpCPUMinutesLimit',
  memoryBytes: 'QOSGrpMemoryMinutes',
};
export const ACCOUNT_USED_MINUTES: Reasons = {
  jobs: 'AssocGrpWallLimit',
  nodes: 'AssocGrpNodeMinutes',
  gpus: 'AssocGrpGRESMinutes',
  cpus: 'AssocGrpCPUMinutesLimit',
  memoryBytes: 'AssocGrpMemMinutes',
};
