import { formatMemory } from '../lib/units.ts';
import type { JobRecord } from './job-record.ts';
import type { NodePool } from './node-pool.ts';
import { couldHold } from './node-record.ts';
import type { JobRequest } from './types.ts';

/** Why the cluster, all its nodes up and empty, could never run the job, in one line; null where it could. */
export function refusal(pool: NodePool, job: JobRecord): string | null {
  const { request } = job;
  const capable = pool.countCapable(job, 'all');
  if (capable >= request.nodes) return null;
  const total = pool.present().length;
  if (request.nodes > total) return `the job asks for ${count(request.nodes, 'node')}, the cluster has ${total}`;
  const place = request.partition === undefined ? 'the cluster' : `partition ${request.partition}`;
  const tooBig = tooBigForAnyNode(pool, job);
  if (tooBig !== null) return tooBig;
  const excluded = job.excluded.size > 0 ? `, ${job.excluded.size} excluded` : '';
  return `the job asks for ${wanted(request)}, ${place} has ${capable} such${excluded}`;
}

/** `2 nodes with 8 GPUs (a100-80), 16 CPUs and 64G each`. */
export function wanted(request: JobRequest): string {
  const { cpus, memoryBytes, gpus } = request.perNode;
  const type = request.gpuType === null ? '' : ` (${request.gpuType})`;
  const parts = gpus > 0 ? `${count(gpus, 'GPU')}${type}, ` : type;
  const each = request.nodes > 1 ? ' each' : '';
  const whole = request.exclusive ? ', whole' : '';
  return `${count(request.nodes, 'node')} with ${parts}${count(cpus, 'CPU')} and ${formatMemory(memoryBytes)}${each}${whole}`;
}

export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** The first quantity of which no node of the right GPU type has enough. */
function tooBigForAnyNode(pool: NodePool, job: JobRecord): string | null {
  const { request } = job;
  if (pool.classes.some((nodeClass) => couldHold(nodeClass, job))) return null;
  if (job.cap !== null && (request.exclusive || request.perNode.cpus > job.cap.cpusMax)) {
    const asked = request.exclusive ? 'whole nodes' : `${count(request.perNode.cpus, 'CPU')} on a node`;
    return `the job asks for ${asked}, and its partition gives ${job.cap.cpusMax} CPUs of a node at most`;
  }
  const typed = pool.classes.filter(({ gpuType }) => request.gpuType === null || gpuType === request.gpuType);
  if (typed.length === 0) return `the job asks for GPU type ${request.gpuType}, no node has it`;
  const most = (of: (offered: { cpus: number; memoryBytes: number; gpus: number }) => number) =>
    Math.max(...typed.map(({ resources }) => of(resources)));
  const { cpus, memoryBytes, gpus } = request.perNode;
  const onOneNode = (asked: string, largest: string) =>
    `the job asks for ${asked} on a node, the largest has ${largest}`;
  const mostGpus = most((offered) => offered.gpus);
  if (gpus > mostGpus) return onOneNode(count(gpus, 'GPU'), String(mostGpus));
  const mostCpus = most((offered) => offered.cpus);
  if (cpus > mostCpus) return onOneNode(count(cpus, 'CPU'), String(mostCpus));
  const mostMemory = most((offered) => offered.memoryBytes);
  if (memoryBytes > mostMemory) return onOneNode(`${formatMemory(memoryBytes)} of memory`, formatMemory(mostMemory));
  return null;
}
