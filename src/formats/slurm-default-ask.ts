import { type ConfLine, integerSetting } from './slurm-conf-lines.ts';

/** What a job gets on each node where its submission does not say. */
export interface DefaultAsk {
  cpus: number;
  /** Null: all of a node's. */
  memoryBytes: number | null;
}

const MIB = 1024 ** 2;

/**
 * One task a node with one CPU, or `DefCpuPerGPU`; `DefMemPerNode`, `DefMemPerCPU` or `DefMemPerGPU`, else all of a node's memory: which keeps
 * every other job off the node where memory is a resource that can run out. Throws ORR_BAD_FILE.
 */
export function readDefaultAsk(settings: ReadonlyMap<string, ConfLine>): (gpusPerNode: number) => DefaultAsk {
  const setting = (key: string) => {
    const line = settings.get(key.toLowerCase());
    // 0 is Slurm's word for none.
    return line === undefined ? 0 : (integerSetting(line, key) ?? 0);
  };
  const cpusPerGpu = setting('DefCpuPerGPU');
  const [perNode, perCpu, perGpu] = [setting('DefMemPerNode'), setting('DefMemPerCPU'), setting('DefMemPerGPU')];
  return (gpusPerNode) => {
    const cpus = Math.max(1, cpusPerGpu * gpusPerNode);
    const memoryMib = perNode || perCpu * cpus || perGpu * gpusPerNode;
    return { cpus, memoryBytes: memoryMib > 0 ? memoryMib * MIB : null };
  };
}
