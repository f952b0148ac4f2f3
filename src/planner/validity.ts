import { divisorsOf } from '../lib/divisors.ts';
import type { Machine, StepWorkload } from './machine.ts';
import type { ModelShape } from './model.ts';
import type { Parallelism } from './parallelism.ts';

const COUNTS = ['tp', 'pp', 'dp', 'cp', 'ep', 'microBatch', 'interleave'] as const;

/** Values listed in a message before it is cut short. */
const LISTED_MOST = 16;

/**
 * Null, or one line that names the field of the layout at fault and what would be valid there.
 * Of a layout with fields missing it says what the fields given rule out on their own: null then means that nothing speaks against them yet.
 *
 * Valid is what training software runs, not what is wise. Heads, MLP and experts are cut evenly by tensor parallelism (key and value heads may be
 * replicated, the vocabulary is padded); pipeline stages may differ by one layer, but not with interleaving, which besides needs a number of
 * microbatches that the stages divide (Narayanan et al., arXiv 2104.04473, section 2.2.2); context parallelism gives each GPU two parts of the sequence to
 * balance the causal mask. ZeRO 2 and 3 go with any other parallelism (Llama 3 trained so with pipelines, arXiv 2407.21783, section 3.3.2).
 */
export function whyInvalid(
  model: ModelShape,
  machine: Machine,
  workload: StepWorkload,
  parallelism: Partial<Parallelism>,
): string | null {
  for (const field of COUNTS) {
    const value = parallelism[field];
    if (value !== undefined && (!Number.isSafeInteger(value) || value < 1)) {
      return `${field}: expected a whole number of at least 1, got ${value}`;
    }
  }
  return (
    whyNotTensorParallel(model, parallelism) ??
    whyNotPipeline(model, parallelism) ??
    whyNotSequence(workload, parallelism) ??
    whyNotGpus(machine, parallelism) ??
    whyNotExperts(model, machine, parallelism) ??
    whyNotBatch(workload, parallelism) ??
    whyNotInterleave(model, workload, parallelism) ??
    whyNotSharded(parallelism)
  );
}

function listed(values: readonly number[]): string {
  const shown = values.slice(0, LISTED_MOST).join(', ');
  return values.length > LISTED_MOST ? `${shown}, ...` : shown;
}

/** Whether `tp` cuts the model's widths evenly. */
export function splitsEvenly(model: ModelShape, tp: number): boolean {
  const { heads, kvHeads, ffn, moe } = model;
  return (
    heads % tp === 0 &&
    (kvHeads % tp === 0 || tp % kvHeads === 0) &&
    ffn % tp === 0 &&
    (moe === null || (moe.expertFfn % tp === 0 && moe.sharedFfn % tp === 0))
  );
}

function whyNotTensorParallel(model: ModelShape, { tp }: Partial<Parallelism>): string | null {
  if (tp === undefined || splitsEvenly(model, tp)) return null;
  const valid = divisorsOf(model.heads).filter((divisor) => splitsEvenly(model, divisor));
  const widths = [`${model.heads} attention heads`];
  if (model.kvHeads !== model.heads) widths.push(`${model.kvHeads} key-value heads`);
  widths.push(`MLP width ${model.ffn}`);
  if (model.moe !== null) widths.push(`expert width ${model.moe.expertFfn}`);
  return `tp: ${tp} does not split ${model.name} evenly (${widths.join(', ')}); valid: ${listed(valid)}`;
}

function whyNotPipeline(model: ModelShape, { pp }: Partial<Parallelism>): string | null {
  if (pp === undefined || pp <= model.layers) return null;
  return `pp: ${pp} stages are more than the ${model.layers} layers of ${model.name}; valid: 1 to ${model.layers}`;
}

function whyNotSequence(
  { sequenceLength }: StepWorkload,
  { tp, cp, sequenceParallel }: Partial<Parallelism>,
): string | null {
  if (cp !== undefined && cp > 1 && sequenceLength % (2 * cp) !== 0) {
    return `cp: the sequence of ${sequenceLength} tokens must be a multiple of 2 x cp, got cp ${cp}`;
  }
  if (sequenceParallel !== true || tp === undefined) return null;
  if (tp === 1) return 'sequenceParallel: needs tp of at least 2; with tp 1 it must be off';
  const local = sequenceLength / (cp ?? 1);
  if (local % tp === 0) return null;
  return `sequenceParallel: ${local} tokens of a sequence on a GPU must be a multiple of tp ${tp}; else it must be off`;
}

function whyNotGpus({ gpus }: Machine, { tp, pp, dp, cp }: Partial<Parallelism>): string | null {
  const product = (tp ?? 1) * (pp ?? 1) * (dp ?? 1) * (cp ?? 1);
  const isWhole = tp !== undefined && pp !== undefined && dp !== undefined && cp !== undefined;
  if (isWhole ? product === gpus : gpus % product === 0) return null;
  const factors = [];
  for (const [name, value] of Object.entries({ tp, pp, dp, cp })) if (value !== undefined) factors.push([name, value]);
  const names = factors.map(([name]) => name).join(' x ');
  const values = factors.map(([, value]) => value).join(' x ');
  const sum = factors.length > 1 ? `${values} = ${product}` : values;
  return isWhole
    ? `${names}: must be the ${gpus} GPUs, got ${sum}`
    : `${names}: must divide the ${gpus} GPUs, got ${sum}; valid for ${factors.length > 1 ? 'the product' : names}: ${listed(divisorsOf(gpus))}`;
}

function whyNotExperts(model: ModelShape, { gpus }: Machine, parallelism: Partial<Parallelism>): string | null {
  const { tp, pp, dp, cp, ep } = parallelism;
  if (ep === undefined || ep === 1) return null;
  if (model.moe === null) return `ep: ${model.name} has no experts; valid: 1`;
  const { experts } = model.moe;
  if (experts % ep !== 0)
    return `ep: ${ep} does not divide the ${experts} experts; valid: ${listed(divisorsOf(experts))}`;
  if (dp !== undefined && cp !== undefined && (dp * cp) % ep !== 0) {
    const valid = divisorsOf(dp * cp).filter((divisor) => experts % divisor === 0);
    return `ep: ${ep} does not divide dp x cp = ${dp * cp}; valid: ${listed(valid)}`;
  }
  const others = (tp ?? 1) * (pp ?? 1);
  if ((gpus / others) % ep === 0) return null;
  return `ep: ${ep} does not divide the ${gpus / others} GPUs left for dp x cp`;
}

function whyNotBatch({ globalBatch }: StepWorkload, { dp, microBatch }: Partial<Parallelism>): string | null {
  if (dp !== undefined && globalBatch % dp !== 0) {
    return `dp: ${dp} does not divide the global batch of ${globalBatch} sequences; valid: ${listed(divisorsOf(globalBatch))}`;
  }
  const share = globalBatch / (dp ?? 1);
  if (microBatch === undefined || share % microBatch === 0) return null;
  return `microBatch: ${microBatch} does not divide the ${share} sequences of ${dp === undefined ? 'the global batch' : 'a replica'}; valid: ${listed(divisorsOf(share))}`;
}

/** Whether layers and microbatches allow so many chunks a stage. */
export function canInterleave(layers: number, microBatches: number, pp: number, interleave: number): boolean {
  return interleave === 1 || (pp > 1 && layers % (pp * interleave) === 0 && microBatches % pp === 0);
}

function whyNotInterleave(
  { layers, name }: ModelShape,
  { globalBatch }: StepWorkload,
  { pp, dp, microBatch, interleave }: Partial<Parallelism>,
): string | null {
  if (interleave === undefined || interleave === 1) return null;
  if (pp === 1) return `interleave: ${interleave} needs pp of at least 2; valid: 1`;
  if (layers % ((pp ?? 1) * interleave) !== 0) {
    const valid = layers % (pp ?? 1) === 0 ? divisorsOf(layers / (pp ?? 1)) : [1];
    return `interleave: pp ${pp ?? 1} x ${interleave} does not divide the ${layers} layers of ${name}; valid: ${listed(valid)}`;
  }
  if (pp === undefined || dp === undefined || microBatch === undefined) return null;
  const microBatches = globalBatch / (dp * microBatch);
  if (microBatches % pp === 0) return null;
  return `interleave: ${interleave} needs a number of microbatches that pp ${pp} divides, got ${microBatches}; valid: 1`;
}

function whyNotSharded({ zero, offload }: Partial<Parallelism>): string | null {
  if (offload === true && zero === 0) return 'offload: needs zero of at least 1; with zero 0 it must be off';
  return null;
}
