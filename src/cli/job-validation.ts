import { OrreryError } from '../contract/errors.ts';
import { jobFieldsSchema, type JobSpecInput, jobSpecSchema } from '../contract/job.ts';
import { schemaIssues } from '../formats/schema-issue.ts';

const FLAGS: Partial<Record<string, string>> = {
  nodes: '--nodes',
  gpusPerNode: '--gpus-per-node',
  tasksPerNode: '--ntasks-per-node',
  cpus: '--cpus-per-task',
  memory: '--mem',
  memoryPerCpu: '--mem-per-cpu',
  memoryPerGpu: '--mem-per-gpu',
  time: '--time',
  name: '--name',
  account: '--account',
  qos: '--qos',
  partition: '--partition',
  reservation: '--reservation',
  array: '--array',
  priority: '--priority',
  nice: '--nice',
  env: '--env',
  secrets: '--secret',
  after: '--after',
  begin: '--begin',
  signal: '--signal',
  image: '--image',
  hangAfter: '--hang-after',
  maxRequeues: '--max-requeues',
  exclude: '--exclude',
  nodelist: '--nodelist',
  constraint: '--constraint',
  licenses: '--licenses',
  gres: '--gres',
  switches: '--switches',
  comment: '--comment',
};

/**
 * The first of the fields set by flags that no job may have, as an ORR_USAGE that names the flag; null where all are well. Unless they are the
 * whole job a flag is right or wrong by itself, whatever the job file says beside it.
 */
export function faultInFlags(fields: JobSpecInput, isWhole = false): OrreryError | null {
  const [issue] = schemaIssues(isWhole ? jobSpecSchema : jobFieldsSchema, { command: ['true'], ...fields });
  if (issue === undefined) return null;
  const flag = FLAGS[String(issue.path[0])] ?? String(issue.path[0]);
  return new OrreryError('ORR_USAGE', `${flag}: ${issue.text}`);
}
