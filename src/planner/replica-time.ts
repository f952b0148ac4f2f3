import { allReduceSeconds, gatherSeconds, placeGroup, sendSeconds } from './collective.ts';
import type { CostContext } from './layer-cost.ts';
import type { LayoutSlice } from './layout-slice.ts';
import type { Parallelism } from './parallelism.ts';
import { untiedHead } from './pipeline-stage.ts';
import { GATHERED_WEIGHT_BYTES } from './step-cost.ts';

/** One GPU's PCIe 4.0 x16 as copies reach it, bytes/s; not fitted. */
const HOST_LINK_BYTES_PER_SECOND = 20e9;
/** A GPU's share of the host's memory bandwidth for an optimizer step, bytes/s; not fitted. */
const HOST_MEMORY_BYTES_PER_SECOND = 20e9;
/** Traffic of Adam in mixed precision, bytes a parameter: 12 of state read and written, the gradient read, the weight written. */
const OPTIMIZER_TRAFFIC_BYTES = 30;
/** Gradients are zeroed, unscaled and normed before the step: passes over them. */
const GRADIENT_PASSES = 3;

/** What the fullest pipeline stage has on one GPU, of which each replica has a copy unless ZeRO parts it. */
export interface Replicated {
  layers: number;
  /** Parameters but those of routed experts. */
  shared: number;
  experts: number;
}

/** Of the stages that have most layers, the one with the input embedding. */
export function replicated({ model }: CostContext, slice: LayoutSlice, pp: number): Replicated {
  const layers = Math.ceil(model.layers / pp);
  return {
    layers,
    shared: layers * slice.layerParameters + slice.inputParameters + (pp === 1 ? untiedHead(slice, model) : 0),
    experts: layers * slice.expertParameters,
  };
}

/** Gradients and weights between replicas, as far as they are not hidden behind compute. Seconds a step. */
export function dataParallelSeconds(
  { model, machine, workload, efficiency, links }: CostContext,
  { tp, pp, dp, cp, ep, microBatch, zero }: Parallelism,
  { layer }: LayoutSlice,
  { layers, shared, experts }: Replicated,
): number {
  const { stack } = efficiency;
  const replicas = dp * cp;
  let seconds = 0;
  if (replicas > 1) {
    const group = placeGroup(replicas, tp, machine.gpusPerNode);
    // What any stage has to hide behind: were it the layers of the stage that sets the pace, a faster link that shifts the pace could cost time.
    const layersHiding = Math.floor(model.layers / pp);
    if (zero >= 2) {
      const gathers = zero === 3 ? 2 : 1;
      const gathered = gatherSeconds(GATHERED_WEIGHT_BYTES * shared, group, links);
      const reduced = gatherSeconds(stack.gradientReduceBytes * shared, group, links);
      const latency =
        layers * (gathers + 1) * (group.nodes > 1 ? links.networkLatencySeconds : links.nvlinkLatencySeconds);
      const communication = gathers * gathered + reduced + latency;
      const hiding = stack.dataParallelOverlap * layersHiding * layer.total;
      const microBatches = workload.globalBatch / (dp * microBatch);
      seconds = microBatches * Math.max(0, communication - hiding);
      // The first gather and the last reduction have nothing to hide behind.
      seconds += (gathered + reduced) / Math.max(1, layers);
    } else {
      const reduced = allReduceSeconds(stack.gradientReduceBytes * shared, group, links);
      seconds = Math.max(0, reduced - stack.dataParallelOverlap * layersHiding * layer.backward);
    }
    if (experts > 0 && replicas > ep) {
      const expertGroup = placeGroup(replicas / ep, tp * ep, machine.gpusPerNode);
      seconds += allReduceSeconds(stack.gradientReduceBytes * experts, expertGroup, links);
    }
  }
  if (pp > 1 && model.hasTiedEmbeddings) {
    // First and last stage add up their gradients of the shared embedding.
    const stageGpus = tp * cp * dp;
    const bytes = (stack.gradientReduceBytes * model.vocab * model.hidden) / tp;
    seconds += sendSeconds(bytes, stageGpus * (pp - 1), stageGpus * pp, machine.gpusPerNode, links);
  }
  return seconds;
}

/** The step of the optimizer as far as the GPU makes it: with offload the passes over the gradients alone. Seconds a step. */
export function optimizerSeconds(
  { efficiency: { stack }, gemmRates }: CostContext,
  parallelism: Parallelism,
  held: Replicated,
): number {
  const bandwidth = gemmRates.memoryBytesPerSecond;
  const stepped = steppedParameters(parallelism, held);
  const gradients = parallelism.zero >= 2 ? stepped : held.shared + held.experts;
  const passes = (GRADIENT_PASSES * stack.gradientBytes * gradients * stack.optimizerTraffic) / bandwidth;
  const seconds = passes + stack.stepSeconds;
  if (parallelism.offload) return seconds;
  return seconds + (stepped * OPTIMIZER_TRAFFIC_BYTES * stack.optimizerTraffic) / bandwidth;
}

/** The step of the optimizer as far as the host makes it, and the way there and back. Seconds a step. */
export function offloadSeconds(
  { efficiency: { stack } }: CostContext,
  parallelism: Parallelism,
  held: Replicated,
): number {
  if (!parallelism.offload) return 0;
  const stepped = steppedParameters(parallelism, held);
  return (
    (stepped * (stack.gradientBytes + stack.weightBytes)) / HOST_LINK_BYTES_PER_SECOND +
    (stepped * OPTIMIZER_TRAFFIC_BYTES) / HOST_MEMORY_BYTES_PER_SECOND
  );
}

/** Parameters whose optimizer state one GPU has. */
function steppedParameters({ dp, cp, ep, zero }: Parallelism, { shared, experts }: Replicated): number {
  const replicas = dp * cp;
  return zero >= 1 ? shared / replicas + (experts * ep) / replicas : shared + experts;
}
