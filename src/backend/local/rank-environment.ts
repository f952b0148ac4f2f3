import { join } from 'node:path';
import { arrayVariables } from '../job-variables.ts';
import { TASK_KEY } from './process-table.ts';
import type { AttemptPlan, TaskPlan } from './launcher-port.ts';

/** What of the machine shows in a task's environment. */
export interface MachineView {
  /** Tells the tasks of one daemon's home from those of any other. */
  homeId: string;
  /** Of each virtual node: which of the machine's GPUs it owns, in the order of its own indices; null on a machine without GPUs. */
  gpusOfNode: ReadonlyMap<string, readonly number[]> | null;
}

const PATH_DEFAULT = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** What the keys of all tasks of an attempt begin with. */
export function keyPrefix(homeId: string, { jobId, attempt }: { jobId: number; attempt: number }): string {
  return `${homeId}.${jobId}.${attempt}.`;
}

/**
 * Everything a task is started with, and nothing of the daemon's own environment: the job's variables, then ours, which win; only
 * OMP_NUM_THREADS is the job's to set. The rendezvous is that of `torch.distributed`'s `env://`.
 */
export function rankEnvironment(
  plan: AttemptPlan,
  task: TaskPlan,
  masterPort: number,
  machine: MachineView,
): Record<string, string> {
  const { jobId, jobName, attempt } = plan;
  const gpus = machine.gpusOfNode?.get(task.nodeName) ?? [];
  return {
    PATH: PATH_DEFAULT,
    ...(plan.isOnce === true ? {} : { OMP_NUM_THREADS: String(task.cpus) }),
    ...plan.environment,
    // Absent, not empty, on a machine without GPUs: nothing there to hide.
    ...(machine.gpusOfNode === null
      ? {}
      : { CUDA_VISIBLE_DEVICES: task.gpuIndices.map((index) => machineGpu(gpus, index, task.nodeName)).join(',') }),
    PWD: plan.workFolder,
    MASTER_ADDR: '127.0.0.1',
    MASTER_PORT: String(masterPort),
    ...(plan.isOnce === true ? {} : rankVariables(plan, task)),
    ORRERY_JOB_ID: String(jobId),
    ORRERY_JOB_NAME: jobName,
    ORRERY_ATTEMPT: String(attempt),
    ORRERY_CHECKPOINT_DIR: plan.checkpointFolder,
    ORRERY_METRICS: plan.metricsFile,
    ORRERY_SUBMIT_DIR: plan.submitFolder,
    ORRERY_NODE: task.nodeName,
    ...arrayVariables(plan.array),
    [TASK_KEY]: `${keyPrefix(machine.homeId, plan)}${task.rank}`,
  };
}

/** Who it is among the ranks. What starts ranks itself must not look like one. */
function rankVariables(plan: AttemptPlan, task: TaskPlan): Record<string, string> {
  const tasksOnNode = plan.tasks.filter((other) => other.nodeRank === task.nodeRank);
  return {
    WORLD_SIZE: String(plan.tasks.length),
    RANK: String(task.rank),
    LOCAL_RANK: String(task.localRank),
    LOCAL_WORLD_SIZE: String(tasksOnNode.length),
    NODE_RANK: String(task.nodeRank),
    ORRERY_RANK_METRICS: join(plan.attemptFolder, `rank-${task.rank}.ndjson`),
  };
}

function machineGpu(gpus: readonly number[], index: number, nodeName: string): number {
  const gpu = gpus[index];
  if (gpu === undefined) throw new Error(`node ${nodeName} has no GPU ${index}: it has ${gpus.length}`);
  return gpu;
}

/** argv of every task of the attempt. A script is run by its `#!` line, one without by `/bin/sh`, as the kernel and the shell have it. */
export function argvOf(plan: AttemptPlan, scriptFile: string): readonly string[] {
  if ('command' in plan.program) return plan.program.command;
  const { script, arguments: words = [] } = plan.program;
  return [...(script.startsWith('#!') ? [scriptFile] : ['/bin/sh', scriptFile]), ...words];
}
