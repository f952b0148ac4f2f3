import { microBatchesInFlight } from './activation-memory.ts';
import type { CostContext } from './layer-cost.ts';
import type { LayoutSlice } from './layout-slice.ts';
import type { Parallelism } from './parallelism.ts';
import { layersOfStage, sharedParameters } from './pipeline-stage.ts';
import { createMemoryBreakdown, GATHERED_WEIGHT_BYTES, type MemoryBreakdown, type StepCost } from './step-cost.ts';

/** Of a stage that may not be the fullest; written and read within one call. */
const scratch = createMemoryBreakdown();

/** Peak bytes of one stage; its parts are written into `memory`. */
export function writeStageMemory(
  context: CostContext,
  parallelism: Parallelism,
  slice: LayoutSlice,
  stage: number,
  memory: MemoryBreakdown,
): number {
  const { model, workload, efficiency } = context;
  const { stack } = efficiency;
  const { pp, dp, cp, ep, microBatch, interleave, zero, offload } = parallelism;
  const replicas = dp * cp;
  const layers = layersOfStage(stage, pp, model.layers);
  const shared = sharedParameters(slice, model, stage, pp, layers);
  const experts = layers * slice.expertParameters;
  const held = shared + experts;
  const sharded = shared / replicas + experts / Math.max(1, replicas / ep);

  const weights = stack.weightBytes * (zero === 3 ? sharded : held);
  const gradients = stack.gradientBytes * (zero >= 2 ? sharded : held);
  const optimizer = offload ? 0 : stack.optimizerBytes * (zero >= 1 ? sharded : held);
  const microBatches = workload.globalBatch / (dp * microBatch);
  const inFlight = microBatchesInFlight(stage, microBatches, pp, interleave);
  const activations = inFlight * (layers * slice.keptBytes + (pp > 1 ? slice.boundaryBytes : 0));
  let temporary = slice.workingBytes;
  // The logits are gone before the first layer goes backward.
  if (stage === pp - 1 && slice.logitsBytes > temporary) temporary = slice.logitsBytes;
  // Weights of the layer at work and the one fetched ahead, and the gradients of the former.
  if (zero === 3) temporary += 4 * GATHERED_WEIGHT_BYTES * (slice.layerParameters + slice.expertParameters);

  const used = weights + gradients + optimizer + activations + temporary;
  const total = used * stack.fragmentation + stack.reserveBytes;
  memory.weights = weights;
  memory.gradients = gradients;
  memory.optimizer = optimizer;
  memory.activations = activations;
  memory.temporary = temporary;
  memory.reserve = total - used;
  return total;
}

/** Writes the memory of the fullest stage, and what the host holds for it, into `cost`. */
export function writeMemory(context: CostContext, parallelism: Parallelism, slice: LayoutSlice, cost: StepCost): void {
  const { pp, offload } = parallelism;
  cost.memoryBytes = writeStageMemory(context, parallelism, slice, 0, cost.memory);
  cost.fullestStage = 0;
  // Stages between hold less of everything than the one before them, but that the first may have a layer fewer than the second.
  for (let other = pp > 2 ? 2 : pp - 1; other >= 1; other -= 1) {
    const stage = other === 2 || pp === 2 ? pp - 1 : 1;
    const bytes = writeStageMemory(context, parallelism, slice, stage, scratch);
    if (bytes <= cost.memoryBytes) continue;
    cost.memoryBytes = bytes;
    cost.fullestStage = stage;
    Object.assign(cost.memory, scratch);
  }
  cost.hostMemoryBytes = offload ? offloadedBytes(context, parallelism, slice, cost.fullestStage) : 0;
}

function offloadedBytes(
  { model, efficiency }: CostContext,
  { pp, dp, cp, ep, zero }: Parallelism,
  slice: LayoutSlice,
  stage: number,
): number {
  const { optimizerBytes } = efficiency.stack;
  const layers = layersOfStage(stage, pp, model.layers);
  const shared = sharedParameters(slice, model, stage, pp, layers);
  const experts = layers * slice.expertParameters;
  const replicas = dp * cp;
  return optimizerBytes * (zero >= 1 ? shared / replicas + experts / Math.max(1, replicas / ep) : shared + experts);
}
