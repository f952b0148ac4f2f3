import { OrreryError } from '../../contract/errors.ts';
import { parseDurationMs } from '../../lib/units.ts';
import { defaultGlobalBatch } from '../../planner/default-batch.ts';
import { LayoutSpace } from '../../planner/layout-space.ts';
import {
  type Machine,
  machineOfCluster,
  type PlannedGpu,
  plannedGpu,
  type StepWorkload,
} from '../../planner/machine.ts';
import type { ModelShape } from '../../planner/model.ts';
import type { Parallelism } from '../../planner/parallelism.ts';
import { whyInvalid } from '../../planner/validity.ts';
import { type ClusterReport, readCatalogue, readCluster } from '../cluster-report.ts';
import { loadEfficiency } from '../efficiency.ts';
import { loadModel } from '../models.ts';
import { quantity } from '../render/cluster-facts.ts';

/** How many nodes fewer are tried to name a number of GPUs that can be laid out. */
const SMALLER_NODES_MOST = 1000;

/** Training software where nothing is said. */
export const STACK_DEFAULT = 'megatron-2022';

/** What the command line says; absent is left to the planner. */
export interface PlanOptions extends PlanDetails {
  cluster: string;
  model: string;
  /** A stack of the catalogue, or the path of a file that a calibration wrote. */
  stack: string;
}

/** The same without what names files. */
export interface PlanDetails {
  tokens: number;
  gpus?: number;
  globalBatch?: number;
  seq?: number;
  tp?: number;
  pp?: number;
  dp?: number;
  cp?: number;
  ep?: number;
  microBatch?: number;
  interleave?: number;
  recompute?: Parallelism['recompute'];
  sequenceParallel?: boolean;
  zero?: Parallelism['zero'];
  /** True: the search may keep the optimizer's state in host memory. */
  offload?: boolean;
  checkpointInterval?: number;
  costPerGpuHour?: number;
}

/** A training run to plan: what it is, what it runs on, and what of its layout is fixed. */
export interface PlanRequest {
  cluster: ClusterReport;
  model: ModelShape;
  machine: Machine;
  workload: StepWorkload;
  efficiency: Awaited<ReturnType<typeof loadEfficiency>>;
  fixed: Partial<Parallelism>;
  isGlobalBatchGiven: boolean;
  tokens: number;
  checkpointIntervalSeconds: number | null;
  costPerGpuHour: number | null;
}

/** Reads the files that the options name. Throws an OrreryError with one line that names what is wrong and what would be valid. */
export async function resolveRequest(options: PlanOptions): Promise<PlanRequest> {
  const request = await readRequest(options);
  refuseInvalid(request);
  return request;
}

/** The same, where the number of GPUs is but the most there are: whether they can be laid out is left open. */
export async function readRequest(options: PlanOptions): Promise<PlanRequest> {
  const cluster = await readCluster(options.cluster, await readCatalogue());
  const model = await loadModel(options.model);
  return requestOf({ cluster, model, efficiency: await efficiencyOn(cluster, options.stack) }, options);
}

/** What the files say that a request names: plain data, the same after a passage through JSON. */
export interface PlanSources {
  cluster: ClusterReport;
  model: ModelShape;
  efficiency: PlanRequest['efficiency'];
}

/** The constants of a stack on a cluster's GPUs. Throws ORR_USAGE for a cluster that the planner cannot plan on. */
export async function efficiencyOn(cluster: ClusterReport, stack: string): Promise<PlanRequest['efficiency']> {
  return loadEfficiency(stack, plannedGpuOf(cluster).name);
}

/** The request that the options make of what was read. Throws ORR_USAGE for more GPUs than there are. */
export function requestOf({ cluster, model, efficiency }: PlanSources, options: PlanDetails): PlanRequest {
  const gpusMost = gpusOf(cluster);
  const gpus = options.gpus ?? gpusMost;
  if (gpus > gpusMost) throw badRequest(`gpus: expected at most the ${gpusMost} of ${cluster.name}, got ${gpus}`);
  const request: PlanRequest = {
    cluster,
    model,
    machine: machineOfCluster(cluster, plannedGpuOf(cluster), gpus),
    workload: { sequenceLength: options.seq ?? model.sequenceLengthMax, globalBatch: options.globalBatch ?? 1 },
    efficiency,
    fixed: fixedOf(options),
    isGlobalBatchGiven: options.globalBatch !== undefined,
    tokens: options.tokens,
    checkpointIntervalSeconds: options.checkpointInterval ?? null,
    costPerGpuHour: options.costPerGpuHour ?? null,
  };
  return withGpus(request, gpus);
}

function plannedGpuOf(cluster: ClusterReport): PlannedGpu {
  const gpuType = cluster.gpuTypes.find(({ name }) => name === trainingNodesOf(cluster)?.gpuType);
  if (gpuType === undefined) {
    throw badRequest(
      `cluster: ${cluster.name} has no GPUs to train on: no kind of node has both gpuType and gpusPerNode`,
    );
  }
  const gpu = plannedGpu(gpuType, 'bf16');
  if ('lacks' in gpu) throw badRequest(`cluster: GPU type ${gpuType.name} lacks ${gpu.lacks} to plan with`);
  return gpu;
}

/** The kind of node that training runs on: the first with GPUs of the catalogue. */
export function trainingNodesOf({ nodeTypes }: ClusterReport): ClusterReport['nodeTypes'][number] | undefined {
  return nodeTypes.find(({ gpuType, gpusPerNode }) => gpuType !== null && gpusPerNode !== 'auto' && gpusPerNode > 0);
}

/** GPUs of all such nodes. */
export function gpusOf(cluster: ClusterReport): number {
  const nodes = trainingNodesOf(cluster);
  return nodes === undefined || nodes.gpusPerNode === 'auto' ? 0 : nodes.count * nodes.gpusPerNode;
}

function fixedOf(options: PlanDetails): Partial<Parallelism> {
  const { tp, pp, dp, cp, ep, microBatch, interleave, recompute, sequenceParallel, zero } = options;
  const offload = options.offload === true ? undefined : false;
  const fields = { tp, pp, dp, cp, ep, microBatch, interleave, recompute, sequenceParallel, zero, offload };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** The same run on another number of GPUs, with the default batch of that number where none was given. */
export function withGpus(request: PlanRequest, gpus: number): PlanRequest {
  const sized = { ...request, machine: { ...request.machine, gpus } };
  return request.isGlobalBatchGiven ? sized : withGlobalBatch(sized, defaultBatch(sized));
}

export function withGlobalBatch(request: PlanRequest, globalBatch: number): PlanRequest {
  return { ...request, workload: { ...request.workload, globalBatch } };
}

function defaultBatch(request: PlanRequest): number {
  const { model, machine, workload, efficiency, fixed } = request;
  const isFsdp = efficiency.stack.stack === 'fsdp';
  const { tp = 1, pp = 1, cp = 1, dp } = fixed;
  return defaultGlobalBatch(model, workload.sequenceLength, machine.gpus, {
    // FSDP has nothing but replicas unless told otherwise: a sequence for each GPU.
    sequencesLeast: isFsdp ? machine.gpus : 1,
    dp: dp ?? (isFsdp && machine.gpus % (tp * pp * cp) === 0 ? machine.gpus / (tp * pp * cp) : undefined),
    microBatch: fixed.microBatch,
    isPossible: (globalBatch) => isPossible(withGlobalBatch(request, globalBatch)),
  });
}

/** Throws where no layout at all is valid. */
export function refuseInvalid(request: PlanRequest): void {
  const { model, machine, workload, fixed } = request;
  const why = whyInvalid(model, machine, workload, fixed);
  if (why !== null) throw badRequest(why);
  const { gpus, gpusPerNode } = machine;
  if (isPossible(request)) return;
  const least = Math.max(gpusPerNode, gpus - SMALLER_NODES_MOST * gpusPerNode);
  let fewer = gpus - (gpus % gpusPerNode || gpusPerNode);
  while (fewer >= least && !isPossible(withGpus(request, fewer))) fewer -= gpusPerNode;
  const wanted = fewer >= least ? `; the next smaller number that can be is ${fewer}` : '; try another global batch';
  const batch = `a global batch of ${workload.globalBatch} sequences`;
  throw badRequest(`gpus: ${gpus} cannot be laid out for ${model.name} with ${batch} and what is fixed${wanted}`);
}

export function isPossible({ model, machine, workload, efficiency, fixed }: PlanRequest): boolean {
  return new LayoutSpace(model, machine, workload, efficiency.stack.stack, fixed).size > 0;
}

export function badRequest(message: string): OrreryError {
  return new OrreryError('ORR_USAGE', message);
}

const COUNT_FACTORS: Record<string, number> = { '': 1, K: 1e3, M: 1e6, B: 1e9, G: 1e9, T: 1e12 };

/** A number of tokens: `300B`, `1.4T`, `500M`, plain digits; undefined for anything else, and for none. */
export function parseTokens(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([KMBGT]?)$/i.exec(text.trim());
  const tokens = Math.round(Number(match?.[1]) * (COUNT_FACTORS[match?.[2]?.toUpperCase() ?? ''] ?? Number.NaN));
  return Number.isSafeInteger(tokens) && tokens > 0 ? tokens : undefined;
}

/** Seconds from `3w`, `30m`, ...; undefined for anything else, and for none. */
export function parseSeconds(text: string): number | undefined {
  const ms = parseDurationMs(text);
  return ms === undefined || ms <= 0 ? undefined : ms / 1000;
}

/** `300 G tokens` would be misread: `300 B`, `1.4 T`. */
export function tokensText(tokens: number): string {
  return quantity(tokens, '').trim().replace('G', 'B');
}
