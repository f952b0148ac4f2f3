import { execFile } from 'node:child_process';
import { availableParallelism, totalmem } from 'node:os';
import type { NodeSpec } from '../../cluster/node.ts';

export interface MachineGpu {
  /** As nvidia-smi and CUDA_VISIBLE_DEVICES count. */
  index: number;
  name: string;
  memoryBytes: number;
}

/** What this machine has to share out. */
export interface Machine {
  cpus: number;
  memoryBytes: number;
  gpus: readonly MachineGpu[];
}

export interface VirtualCluster {
  nodes: NodeSpec[];
  /** Of each node, in the order of its own GPU indices, the machine's; null on a machine without GPUs. For the launcher. */
  gpusOfNode: Map<string, number[]> | null;
}

/** Reads what the machine has; a machine without `nvidia-smi`, or on which it fails, has no GPUs. */
export async function readMachine(): Promise<Machine> {
  return { cpus: availableParallelism(), memoryBytes: totalmem(), gpus: await readGpus() };
}

function readGpus(): Promise<MachineGpu[]> {
  const query = ['--query-gpu=index,name,memory.total', '--format=csv,noheader,nounits'];
  return new Promise((resolve) => {
    execFile('nvidia-smi', query, { timeout: 10_000 }, (error, stdout) =>
      resolve(error === null ? parseGpus(stdout) : []),
    );
  });
}

/** Lines such as `0, NVIDIA A100-SXM4-80GB, 81920`; memory is in MiB. Other lines are nvidia-smi's remarks. */
export function parseGpus(csv: string): MachineGpu[] {
  return csv.split('\n').flatMap((line) => {
    const [, index, name = '', mebibytes] = /^\s*(\d+)\s*,\s*(.+?)\s*,\s*(\d+)\s*$/.exec(line) ?? [];
    return index === undefined ? [] : [{ index: Number(index), name, memoryBytes: Number(mebibytes) * 2 ** 20 }];
  });
}

/**
 * Deals the machine out to `count` nodes named n1, n2, ... Memory is divided evenly and GPUs are dealt round robin, so that those are
 * never promised twice. CPUs are shared: each node has all of the machine's, and at least 2, since a laptop is to hold a cluster.
 * Without GPUs a node offers as many slots as CPUs instead, so that jobs that ask for GPUs run here too, on CPUs.
 */
export function virtualNodes(machine: Machine, count: number): VirtualCluster {
  const cpus = Math.max(2, machine.cpus);
  const names = Array.from({ length: count }, (_, index) => `n${index + 1}`);
  const hasGpus = machine.gpus.length > 0;
  const gpusOfNode = new Map(
    names.map((name, node) => [
      name,
      machine.gpus.filter((_, turn) => turn % count === node).map(({ index }) => index),
    ]),
  );
  const types = new Set(machine.gpus.map(({ name }) => gpuTypeOf(name)));
  const nodes = names.map((name): NodeSpec => {
    const gpus = hasGpus ? (gpusOfNode.get(name)?.length ?? 0) : cpus;
    return {
      name,
      resources: { cpus, memoryBytes: Math.floor(machine.memoryBytes / count), gpus },
      // One word for all of a node's GPUs: where the machine mixes types, none is promised.
      gpuType: gpus > 0 && types.size === 1 ? ([...types][0] ?? null) : null,
      leaf: null,
    };
  });
  return { nodes, gpusOfNode: hasGpus ? gpusOfNode : null };
}

/** `NVIDIA A100-SXM4-80GB` as a word for `--gpus-per-node`: `nvidia-a100-sxm4-80gb`. */
function gpuTypeOf(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
}
