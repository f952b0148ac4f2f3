import { sendSeconds } from './collective.ts';
import type { CostContext } from './layer-cost.ts';
import type { LayoutSlice } from './layout-slice.ts';
import type { Parallelism } from './parallelism.ts';
import { layersOfStage } from './pipeline-stage.ts';
import { dataParallelSeconds, offloadSeconds, optimizerSeconds, replicated } from './replica-time.ts';
import { GATHERED_WEIGHT_BYTES, type StepCost } from './step-cost.ts';

/** Adding a microbatch's gradient to the sum: two reads and a write. */
const ACCUMULATION_PASSES = 3;

/** Writes the time of a step, and where it goes, into `cost`. */
export function writeTime(context: CostContext, parallelism: Parallelism, slice: LayoutSlice, cost: StepCost): void {
  const { model, machine, workload, efficiency, links, gemmRates } = context;
  const { stack } = efficiency;
  const { tp, pp, dp, cp, microBatch, interleave, zero } = parallelism;
  const { layer } = slice;
  const microBatches = workload.globalBatch / (dp * microBatch);

  const isBlocking = zero > 0 && pp > 1 && stack.zeroPipelineSends > 0;
  const scheduled = stack.microBatchSeconds + (isBlocking ? stack.zeroPipelineSeconds : 0);
  // Each microbatch adds its gradients to those of the ones before.
  const added =
    microBatches > 1
      ? (ACCUMULATION_PASSES * GATHERED_WEIGHT_BYTES * (slice.layerParameters + slice.expertParameters)) /
        gemmRates.memoryBytesPerSecond
      : 0;
  const layerSeconds = layer.total + added;

  // The longest stage sets the pace: the first, the last, or the fullest in between.
  const held = replicated(context, slice, pp);
  let layersPaced = held.layers;
  let embedding = 0;
  if (pp === 1) {
    embedding = slice.inputSeconds + slice.headSeconds;
  } else {
    const layersFirst = layersOfStage(0, pp, model.layers);
    const layersLast = layersOfStage(pp - 1, pp, model.layers);
    const firstSeconds = slice.inputSeconds + layersFirst * layerSeconds;
    const lastSeconds = slice.headSeconds + layersLast * layerSeconds;
    const longest = Math.max(firstSeconds, lastSeconds, pp > 2 ? held.layers * layerSeconds : 0);
    if (longest === lastSeconds) {
      layersPaced = layersLast;
      embedding = slice.headSeconds;
    } else if (longest === firstSeconds) {
      layersPaced = layersFirst;
      embedding = slice.inputSeconds;
    }
  }
  const paced = layersPaced * layerSeconds + embedding + scheduled;
  const all = model.layers * layerSeconds + slice.inputSeconds + slice.headSeconds + pp * scheduled;

  let pipelineHop = 0;
  if (pp > 1) {
    const stageGpus = tp * cp * dp;
    // Either each GPU of a TP group hands on its part and most of that is hidden, or all hand on the whole and wait.
    const sends = isBlocking ? stack.zeroPipelineSends : 2 * (1 - stack.pipelineOverlap);
    const bytes = isBlocking ? slice.boundaryBytes : slice.boundaryBytes / tp;
    pipelineHop = sends * sendSeconds(bytes, stageGpus, stageGpus * pp, machine.gpusPerNode, links);
  }
  const pipeline = pipelineHop * interleave * microBatches;
  const bubble = pp === 1 ? 0 : (all - paced + (pp - 1) * pipelineHop) / interleave;

  const dataParallel = dataParallelSeconds(context, parallelism, slice, held);
  const optimizer = optimizerSeconds(context, parallelism, held);
  const offload = offloadSeconds(context, parallelism, held);

  const perLayer = layersPaced * microBatches;
  const { seconds } = cost;
  seconds.compute = layer.compute * layersPaced * microBatches;
  seconds.memoryBound = (layer.memoryBound + added) * perLayer;
  seconds.embedding = embedding * microBatches;
  seconds.recompute = layer.recompute * perLayer;
  seconds.host = layer.host * perLayer + scheduled * microBatches;
  seconds.tensorParallel = layer.tensorParallel * perLayer;
  seconds.contextParallel = layer.contextParallel * perLayer;
  seconds.expertParallel = layer.expertParallel * perLayer;
  seconds.pipeline = pipeline;
  seconds.bubble = bubble;
  seconds.dataParallel = dataParallel;
  seconds.optimizer = optimizer;
  seconds.offload = offload;
  cost.iterationSeconds = paced * microBatches + pipeline + bubble + dataParallel + optimizer + offload;
}
