import { type ConfLine, integerSetting } from './slurm-conf-lines.ts';

/** What a job gets on each node where its submission does not say. */
export interface DefaultAsk {
  cpus: number;
  /** Null: all of a node's. */
  memoryBytes: number | null;
}

/** Slurm's settings for it; 0 is Slurm's word for none. */
export interface DefaultAmounts {
  cpusPerGpu: number;
  mebibytesPerNode: number;
  mebibytesPerCpu: number;
  mebibytesPerGpu: number;
}

const MIB = 1024 ** 2;

/** `DefCpuPerGPU`, `DefMemPerNode`, `DefMemPerCPU`, `DefMemPerGPU`, by themselves or in `JobDefaults`. Throws ORR_BAD_FILE. */
export function readDefaultAmounts(settings: ReadonlyMap<string, ConfLine>): DefaultAmounts {
  const setting = (key: string) => {
    const line = withJobDefaults(settings, key);
    const isNone = /^(?:|UNLIMITED)$/i.test(line?.values.get(key.toLowerCase()) ?? '');
    return line === undefined || isNone ? 0 : (integerSetting(line, key) ?? 0);
  };
  return {
    cpusPerGpu: setting('DefCpuPerGPU'),
    mebibytesPerNode: setting('DefMemPerNode'),
    mebibytesPerCpu: setting('DefMemPerCPU'),
    mebibytesPerGpu: setting('DefMemPerGPU'),
  };
}

/**
 * What a partition's own line says of it, over what the cluster's settings say: of the three for memory the partition's alone count where it has one.
 * Null where it says nothing. Throws ORR_BAD_FILE.
 */
export function readPartitionAmounts(line: ConfLine, cluster: DefaultAmounts): DefaultAmounts | null {
  const own = readDefaultAmounts(new Map([...line.values.keys()].map((key) => [key, line])));
  const hasMemory = own.mebibytesPerNode + own.mebibytesPerCpu + own.mebibytesPerGpu > 0;
  if (!hasMemory && own.cpusPerGpu === 0) return null;
  return { ...(hasMemory ? own : cluster), cpusPerGpu: own.cpusPerGpu || cluster.cpusPerGpu };
}

function withJobDefaults(settings: ReadonlyMap<string, ConfLine>, key: string): ConfLine | undefined {
  const own = settings.get(key.toLowerCase());
  const list = settings.get('jobdefaults');
  const word = list?.values
    .get('jobdefaults')
    ?.split(',')
    .find((one) => one.trim().toLowerCase().startsWith(`${key.toLowerCase()}=`));
  if (own !== undefined || list === undefined || word === undefined) return own;
  return { ...list, values: new Map([[key.toLowerCase(), word.slice(word.indexOf('=') + 1).trim()]]) };
}

/**
 * One task a node with one CPU, or `DefCpuPerGPU`; `DefMemPerNode`, `DefMemPerCPU` or `DefMemPerGPU`, else all of a node's memory: which keeps
 * every other job off the node where memory is a resource that can run out.
 */
export function defaultAskOf(amounts: DefaultAmounts): (gpusPerNode: number) => DefaultAsk {
  const { cpusPerGpu, mebibytesPerNode, mebibytesPerCpu, mebibytesPerGpu } = amounts;
  return (gpusPerNode) => {
    const cpus = Math.max(1, cpusPerGpu * gpusPerNode);
    const mebibytes = mebibytesPerNode || mebibytesPerCpu * cpus || mebibytesPerGpu * gpusPerNode;
    return { cpus, memoryBytes: mebibytes > 0 ? mebibytes * MIB : null };
  };
}
