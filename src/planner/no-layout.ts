import type { Stack } from './efficiency.ts';
import { LayoutSpace } from './layout-space.ts';
import type { Machine, StepWorkload } from './machine.ts';
import type { ModelShape } from './model.ts';
import type { Parallelism } from './parallelism.ts';
import { whyInvalid } from './validity.ts';

/** How far from the GPUs asked for to look for a number that can be divided. */
const DISTANCE_MOST = 512;

/** One line on why a space is empty: the fixed field at fault, or that the GPUs cannot be divided and which numbers next to theirs can. */
export function whyNoLayout(
  model: ModelShape,
  machine: Machine,
  workload: StepWorkload,
  stack: Stack,
  fixed: Partial<Parallelism> = {},
): string {
  const why = whyInvalid(model, machine, workload, fixed);
  if (why !== null) return why;
  const { gpus } = machine;
  const canDivide = (count: number) =>
    count > 0 && new LayoutSpace(model, { ...machine, gpus: count }, workload, stack, fixed).size > 0;
  const nearest: number[] = [];
  for (const direction of [-1, 1]) {
    for (let distance = 1; distance <= DISTANCE_MOST; distance += 1) {
      if (!canDivide(gpus + direction * distance)) continue;
      nearest.push(gpus + direction * distance);
      break;
    }
  }
  const asked = Object.keys(fixed).length > 0 ? ' and the fields fixed' : '';
  const problem = `gpus: ${gpus} cannot be divided for ${model.name} with a global batch of ${workload.globalBatch}${asked} (dp must divide the batch, tp the heads and widths, pp be at most the ${model.layers} layers)`;
  return nearest.length === 0 ? problem : `${problem}; nearest that can: ${nearest.join(' and ')}`;
}
