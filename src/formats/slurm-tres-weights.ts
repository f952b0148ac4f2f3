import type { TresWeights } from '../scheduler/policy.ts';
import type { ConfLine, IgnoredSetting } from './slurm-conf-lines.ts';

/** Slurm counts memory in MiB: by how much a weight with this unit, which is per so much memory, is divided. */
const MEBI_OF_UNIT: Readonly<Record<string, number>> = { '': 1, m: 1, g: 1024, t: 1024 ** 2, p: 1024 ** 3 };

export interface TresWeight {
  /** In lower case, such as `gres/gpu`. */
  tres: string;
  /** For one, and of memory for a MiB. Null: no weight, or one with a unit that its resource does not have. */
  value: number | null;
}

/** The entries of `CPU=1.0,Mem=0.25G,GRES/gpu=16`. */
export function tresWeightsOf(text: string): TresWeight[] {
  return text.split(',').map((entry) => {
    const [tres = '', weight = ''] = entry.trim().toLowerCase().split('=');
    const [, digits, unit = ''] = /^(\d*\.?\d+)([a-z]?)$/.exec(weight) ?? [];
    const mebi = MEBI_OF_UNIT[unit];
    const isUnknown = digits === undefined || mebi === undefined || (unit !== '' && tres !== 'mem');
    return { tres, value: isUnknown ? null : Number(digits) / mebi };
  });
}

/** Why a weight of memory counts for nothing. */
export const MEMORY_UNKNOWN = 'memory is no resource that can run out, and what jobs ask of it is not known';

const PRIORITY_NAMES: Readonly<Record<string, keyof TresWeights>> = {
  cpu: 'cpu',
  mem: 'memory',
  node: 'node',
  'gres/gpu': 'gpu',
};

/** What resources that a job asks for add to its priority (`PriorityWeightTRES`); null where nothing. */
export function readTresWeights(
  line: ConfLine | undefined,
  isMemoryConsumed: boolean,
  ignored: IgnoredSetting[],
): TresWeights | null {
  const text = line?.values.get('priorityweighttres') ?? '';
  if (line === undefined || /^(?:\(null\)|)$/i.test(text)) return null;
  const weights: TresWeights = {};
  for (const { tres, value } of tresWeightsOf(text)) {
    const name = PRIORITY_NAMES[tres];
    if (value === 0) continue;
    if (name !== undefined && value !== null && (name !== 'memory' || isMemoryConsumed)) weights[name] = value;
    else {
      const reason =
        name === 'memory' && value !== null ? MEMORY_UNKNOWN : 'nodes, CPUs, memory and GPUs have a weight';
      ignored.push({ ...line, key: `PriorityWeightTRES ${tres}`, reason });
    }
  }
  return Object.keys(weights).length === 0 ? null : weights;
}
