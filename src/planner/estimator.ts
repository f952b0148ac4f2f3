import { layerActivations, logitsBytes, microBatchesInFlight } from './activation-memory.ts';
import { allReduceSeconds, gatherSeconds, type Links, linksOf, placeGroup, sendSeconds } from './collective.ts';
import type { Efficiency } from './efficiency.ts';
import { sparseLayerCount } from './flops.ts';
import { type GemmRates, gemmSeconds } from './gemm.ts';
import { type CostContext, gemmRatesOf, type LayerCost, layerCost } from './layer-cost.ts';
import type { Machine, StepWorkload } from './machine.ts';
import type { ModelShape } from './model.ts';
import { type Parallelism, RECOMPUTES } from './parallelism.ts';
import type { MemoryBreakdown, StepCost } from './step-cost.ts';

/** One GPU's PCIe 4.0 x16 as copies reach it, bytes/s; not fitted. */
const HOST_LINK_BYTES_PER_SECOND = 20e9;
/** A GPU's share of the host's memory bandwidth for an optimizer step, bytes/s; not fitted. */
const HOST_MEMORY_BYTES_PER_SECOND = 20e9;
/** Traffic of Adam in mixed precision, bytes a parameter: 12 of state read and written, the gradient read, the weight written. */
const OPTIMIZER_TRAFFIC_BYTES = 30;
/** Gradients are zeroed, unscaled and normed before the step: passes over them. */
const GRADIENT_PASSES = 3;
/** Adding a microbatch's gradient to the sum: two reads and a write. */
const ACCUMULATION_PASSES = 3;
/** Bytes read and written a logit by the loss, forward and backward. */
const LOSS_BYTES_PER_LOGIT = 40;
/** Weights travel in two bytes. */
const GATHERED_WEIGHT_BYTES = 2;

/** What depends on tp, cp, ep, microbatch, recompute and sequence parallelism only. */
interface Slice {
  layer: LayerCost;
  keptBytes: number;
  workingBytes: number;
  /** On the first and on the last stage, per microbatch. */
  inputSeconds: number;
  headSeconds: number;
  /** Handed from stage to stage, bytes. */
  boundaryBytes: number;
  logitsBytes: number;
  /** Of one layer and GPU: all but routed experts, and routed experts. */
  layerParameters: number;
  expertParameters: number;
  inputParameters: number;
  headParameters: number;
}

export function createStepCost(): StepCost {
  return {
    iterationSeconds: 0,
    seconds: {
      compute: 0,
      memoryBound: 0,
      embedding: 0,
      recompute: 0,
      host: 0,
      tensorParallel: 0,
      contextParallel: 0,
      expertParallel: 0,
      pipeline: 0,
      bubble: 0,
      dataParallel: 0,
      optimizer: 0,
      offload: 0,
    },
    memoryBytes: 0,
    memory: { weights: 0, gradients: 0, optimizer: 0, activations: 0, temporary: 0, reserve: 0 },
    fullestStage: 0,
    hostMemoryBytes: 0,
  };
}

/** Time and memory of training steps of one model on one machine with one stack, for any valid layout. */
export class Estimator {
  readonly #context: CostContext;
  readonly #links: Links;
  readonly #rates: GemmRates;
  readonly #slices = new Map<number, Slice>();
  /** One above what each may be, so that no two slices share a key. */
  readonly #tpBase: number;
  readonly #cpBase: number;
  readonly #epBase: number;
  #lastKey = -1;
  #lastSlice: Slice | undefined;
  readonly #stageScratch: MemoryBreakdown = {
    weights: 0,
    gradients: 0,
    optimizer: 0,
    activations: 0,
    temporary: 0,
    reserve: 0,
  };

  constructor(model: ModelShape, machine: Machine, workload: StepWorkload, efficiency: Efficiency) {
    const links = linksOf(machine, efficiency.stack);
    this.#links = links;
    this.#rates = gemmRatesOf(machine, efficiency);
    this.#tpBase = model.heads + 1;
    this.#cpBase = machine.gpus + 1;
    this.#epBase = (model.moe?.experts ?? 1) + 1;
    const { tensorParallelNvlink, tensorParallelNetwork } = efficiency.stack;
    this.#context = {
      model,
      machine,
      workload,
      efficiency,
      links,
      tensorParallelLinks: {
        ...links,
        nvlinkBytesPerSecond: links.nvlinkBytesPerSecond * tensorParallelNvlink,
        networkBytesPerSecond: links.networkBytesPerSecond * tensorParallelNetwork,
        spineBytesPerSecond: links.spineBytesPerSecond * tensorParallelNetwork,
      },
      gemmRates: this.#rates,
    };
  }

  /** The cost of a layout that `whyInvalid` has nothing against; writes into `cost` and returns it. */
  evaluate(parallelism: Parallelism, cost: StepCost = createStepCost()): StepCost {
    const slice = this.#slice(parallelism);
    this.#time(parallelism, slice, cost);
    this.#memory(parallelism, slice, cost);
    return cost;
  }

  #slice(parallelism: Parallelism): Slice {
    const { tp, cp, ep, microBatch, sequenceParallel } = parallelism;
    const recompute = RECOMPUTES.indexOf(parallelism.recompute);
    const split = (((microBatch * this.#tpBase + tp) * this.#cpBase + cp) * this.#epBase + ep) * 6;
    const key = split + recompute * 2 + (sequenceParallel ? 1 : 0);
    if (key === this.#lastKey && this.#lastSlice !== undefined) return this.#lastSlice;
    let slice = this.#slices.get(key);
    if (slice === undefined) {
      slice = this.#makeSlice(parallelism);
      this.#slices.set(key, slice);
    }
    this.#lastKey = key;
    this.#lastSlice = slice;
    return slice;
  }

  #makeSlice(parallelism: Parallelism): Slice {
    const { model, machine, workload, efficiency, gemmRates, tensorParallelLinks } = this.#context;
    const { stack } = efficiency;
    const { tp, cp, ep, microBatch } = parallelism;
    const { parameters, hidden } = model;
    const tokens = (microBatch * workload.sequenceLength) / cp;

    const sparseLayers = sparseLayerCount(model);
    const dense = layerCost(this.#context, false, parallelism);
    const layer =
      sparseLayers === 0
        ? dense
        : mixed(dense, layerCost(this.#context, true, parallelism), sparseLayers / model.layers);
    const sparseShare = sparseLayers / model.layers;
    const activations = layerActivations(model, workload, stack, parallelism);

    // Megatron pads the vocabulary so that each GPU's part is a multiple of 128.
    const vocabPerGpu = model.vocab === 0 ? 0 : Math.ceil(model.vocab / (128 * tp)) * 128;
    const group = placeGroup(tp, 1, machine.gpusPerNode);
    const residualBytes = 2 * tokens * hidden;
    const reduce = tp > 1 ? allReduceSeconds(residualBytes, group, tensorParallelLinks) : 0;
    const bandwidth = gemmRates.memoryBytesPerSecond;
    const head =
      vocabPerGpu === 0
        ? 0
        : gemmSeconds(tokens, vocabPerGpu, hidden, 1, gemmRates) +
          gemmSeconds(tokens, hidden, vocabPerGpu, 1, gemmRates) +
          gemmSeconds(hidden, vocabPerGpu, tokens, 1, gemmRates) +
          (LOSS_BYTES_PER_LOGIT * tokens * vocabPerGpu) / bandwidth +
          reduce;
    return {
      layer,
      keptBytes: activations.kept,
      workingBytes: activations.working,
      // Rows looked up, dropped out and written; their gradients added up.
      inputSeconds: (8 * residualBytes) / bandwidth + reduce,
      headSeconds: head,
      boundaryBytes: residualBytes,
      logitsBytes: logitsBytes(vocabPerGpu, workload, parallelism),
      layerParameters:
        ((1 - sparseShare) * parameters.denseLayer +
          sparseShare * (parameters.sparseLayer - parameters.sparseLayerExperts)) /
        tp,
      expertParameters: (sparseShare * parameters.sparseLayerExperts) / (tp * ep),
      inputParameters: parameters.inputEmbedding / tp,
      headParameters: (parameters.outputHead + (model.hasTiedEmbeddings ? model.vocab * hidden : 0)) / tp,
    };
  }

  #time(parallelism: Parallelism, slice: Slice, cost: StepCost): void {
    const { model, machine, workload, efficiency } = this.#context;
    const { stack } = efficiency;
    const links = this.#links;
    const { tp, pp, dp, cp, ep, microBatch, interleave, zero, offload } = parallelism;
    const { layer } = slice;
    const microBatches = workload.globalBatch / (dp * microBatch);

    const isBlocking = zero > 0 && pp > 1 && stack.zeroPipelineSends > 0;
    const scheduled = stack.microBatchSeconds + (isBlocking ? stack.zeroPipelineSeconds : 0);
    // Each microbatch adds its gradients to those of the ones before.
    const added =
      microBatches > 1
        ? (ACCUMULATION_PASSES * GATHERED_WEIGHT_BYTES * (slice.layerParameters + slice.expertParameters)) /
          this.#rates.memoryBytesPerSecond
        : 0;
    const layerSeconds = layer.total + added;

    // The longest stage sets the pace: the first, the last, or the fullest in between.
    const layersMost = Math.ceil(model.layers / pp);
    const layersFirst = this.#layersOfStage(0, pp);
    const layersLast = this.#layersOfStage(pp - 1, pp);
    const firstSeconds = slice.inputSeconds + layersFirst * layerSeconds;
    const lastSeconds = slice.headSeconds + layersLast * layerSeconds;
    let layersPaced = layersMost;
    let embedding = 0;
    if (pp === 1) {
      embedding = slice.inputSeconds + slice.headSeconds;
    } else {
      const middle = layersMost * layerSeconds;
      const longest = Math.max(firstSeconds, lastSeconds, pp > 2 ? middle : 0);
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

    const stageGpus = tp * cp * dp;
    let pipelineHop = 0;
    if (pp > 1) {
      // Either each GPU of a TP group hands on its part and most of that is hidden, or all hand on the whole and wait.
      const sends = isBlocking ? stack.zeroPipelineSends : 2 * (1 - stack.pipelineOverlap);
      const bytes = isBlocking ? slice.boundaryBytes : slice.boundaryBytes / tp;
      pipelineHop = sends * sendSeconds(bytes, stageGpus, stageGpus * pp, machine.gpusPerNode, links);
    }
    const pipeline = pipelineHop * interleave * microBatches;
    const bubble = pp === 1 ? 0 : (all - paced + (pp - 1) * pipelineHop) / interleave;
    const compute = layer.compute * layersPaced * microBatches;

    const replicas = dp * cp;
    const shared =
      layersMost * slice.layerParameters + slice.inputParameters + (pp === 1 ? this.#untiedHead(slice) : 0);
    const experts = layersMost * slice.expertParameters;

    let dataParallel = 0;
    if (replicas > 1) {
      const group = placeGroup(replicas, tp, machine.gpusPerNode);
      // What any stage has to hide behind: were it the layers of the stage that sets the pace, a faster link that shifts the pace could cost time.
      const layersHiding = Math.floor(model.layers / pp);
      if (zero >= 2) {
        const gathers = zero === 3 ? 2 : 1;
        const gathered = gatherSeconds(GATHERED_WEIGHT_BYTES * shared, group, links);
        const reduced = gatherSeconds(stack.gradientReduceBytes * shared, group, links);
        const latency =
          layersMost * (gathers + 1) * (group.nodes > 1 ? links.networkLatencySeconds : links.nvlinkLatencySeconds);
        const communication = gathers * gathered + reduced + latency;
        const hiding = stack.dataParallelOverlap * layersHiding * layer.total;
        dataParallel = microBatches * Math.max(0, communication - hiding);
        // The first gather and the last reduction have nothing to hide behind.
        dataParallel += (gathered + reduced) / Math.max(1, layersMost);
      } else {
        const reduced = allReduceSeconds(stack.gradientReduceBytes * shared, group, links);
        dataParallel = Math.max(0, reduced - stack.dataParallelOverlap * layersHiding * layer.backward);
      }
      if (experts > 0 && replicas > ep) {
        const expertGroup = placeGroup(replicas / ep, tp * ep, machine.gpusPerNode);
        dataParallel += allReduceSeconds(stack.gradientReduceBytes * experts, expertGroup, links);
      }
    }
    if (pp > 1 && model.hasTiedEmbeddings) {
      // First and last stage add up their gradients of the shared embedding.
      const bytes = (stack.gradientReduceBytes * model.vocab * model.hidden) / tp;
      dataParallel += sendSeconds(bytes, stageGpus * (pp - 1), stageGpus * pp, machine.gpusPerNode, links);
    }

    const stepped = zero >= 1 ? shared / replicas + (experts * ep) / replicas : shared + experts;
    const bandwidth = this.#rates.memoryBytesPerSecond;
    const gradients = zero >= 2 ? stepped : shared + experts;
    const passes = (GRADIENT_PASSES * stack.gradientBytes * gradients * stack.optimizerTraffic) / bandwidth;
    let optimizer = passes + stack.stepSeconds;
    let offloaded = 0;
    if (offload) {
      offloaded =
        (stepped * (stack.gradientBytes + stack.weightBytes)) / HOST_LINK_BYTES_PER_SECOND +
        (stepped * OPTIMIZER_TRAFFIC_BYTES) / HOST_MEMORY_BYTES_PER_SECOND;
    } else {
      optimizer += (stepped * OPTIMIZER_TRAFFIC_BYTES * stack.optimizerTraffic) / bandwidth;
    }

    const perLayer = layersPaced * microBatches;
    const { seconds } = cost;
    seconds.compute = compute;
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
    seconds.offload = offloaded;
    cost.iterationSeconds = paced * microBatches + pipeline + bubble + dataParallel + optimizer + offloaded;
  }

  /** Parameters of the head that are not the input embedding's. */
  #untiedHead(slice: Slice): number {
    return this.#context.model.hasTiedEmbeddings ? 0 : slice.headParameters;
  }

  /** Peak memory of each pipeline stage, the first first; parts sum to `memoryBytes` of the fullest. */
  memoryByStage(parallelism: Parallelism): MemoryBreakdown[] {
    const slice = this.#slice(parallelism);
    return Array.from({ length: parallelism.pp }, (_, stage) => {
      const memory = { weights: 0, gradients: 0, optimizer: 0, activations: 0, temporary: 0, reserve: 0 };
      this.#stageMemory(parallelism, slice, stage, memory);
      return memory;
    });
  }

  #memory(parallelism: Parallelism, slice: Slice, cost: StepCost): void {
    const { pp, offload } = parallelism;
    cost.memoryBytes = this.#stageMemory(parallelism, slice, 0, cost.memory);
    cost.fullestStage = 0;
    // Stages between hold less of everything than the one before them, but that the first may have a layer fewer than the second.
    for (let other = pp > 2 ? 2 : pp - 1; other >= 1; other -= 1) {
      const stage = other === 2 || pp === 2 ? pp - 1 : 1;
      const bytes = this.#stageMemory(parallelism, slice, stage, this.#stageScratch);
      if (bytes <= cost.memoryBytes) continue;
      cost.memoryBytes = bytes;
      cost.fullestStage = stage;
      Object.assign(cost.memory, this.#stageScratch);
    }
    cost.hostMemoryBytes = offload ? this.#offloadedBytes(parallelism, slice, cost.fullestStage) : 0;
  }

  /** Peak bytes of one stage; its parts are written into `memory`. */
  #stageMemory(parallelism: Parallelism, slice: Slice, stage: number, memory: MemoryBreakdown): number {
    const { workload, efficiency } = this.#context;
    const { stack } = efficiency;
    const { pp, dp, cp, ep, microBatch, interleave, zero, offload } = parallelism;
    const replicas = dp * cp;
    const layers = this.#layersOfStage(stage, pp);
    const shared = this.#sharedParameters(slice, stage, pp, layers);
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

  #offloadedBytes({ pp, dp, cp, ep, zero }: Parallelism, slice: Slice, stage: number): number {
    const { optimizerBytes } = this.#context.efficiency.stack;
    const layers = this.#layersOfStage(stage, pp);
    const shared = this.#sharedParameters(slice, stage, pp, layers);
    const experts = layers * slice.expertParameters;
    const replicas = dp * cp;
    return optimizerBytes * (zero >= 1 ? shared / replicas + experts / Math.max(1, replicas / ep) : shared + experts);
  }

  /** Layers that do not divide go to stages in the middle first, then to the first, then to the last. */
  #layersOfStage(stage: number, pp: number): number {
    const { layers } = this.#context.model;
    const least = Math.floor(layers / pp);
    const left = layers - least * pp;
    const rank = stage === pp - 1 ? pp - 1 : stage === 0 ? pp - 2 : stage - 1;
    return left > rank ? least + 1 : least;
  }

  /** Parameters of a stage on one GPU without routed experts. */
  #sharedParameters(slice: Slice, stage: number, pp: number, layers: number): number {
    let parameters = layers * slice.layerParameters;
    if (stage === 0) parameters += slice.inputParameters;
    if (stage === pp - 1) parameters += stage === 0 ? this.#untiedHead(slice) : slice.headParameters;
    return parameters;
  }
}

function mixed(dense: LayerCost, sparse: LayerCost, sparseShare: number): LayerCost {
  const mix = (part: keyof LayerCost) => dense[part] * (1 - sparseShare) + sparse[part] * sparseShare;
  return {
    compute: mix('compute'),
    memoryBound: mix('memoryBound'),
    tensorParallel: mix('tensorParallel'),
    contextParallel: mix('contextParallel'),
    expertParallel: mix('expertParallel'),
    recompute: mix('recompute'),
    host: mix('host'),
    total: mix('total'),
    backward: mix('backward'),
  };
}
