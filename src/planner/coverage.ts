import type { Stack } from './efficiency.ts';
import type { Machine, StepWorkload } from './machine.ts';
import type { MeasuredRun } from './measured-run.ts';
import type { ModelShape } from './model.ts';
import type { Parallelism } from './parallelism.ts';

/** A step that is planned. */
export interface PlannedStep {
  model: ModelShape;
  machine: Machine;
  workload: StepWorkload;
  stack: Stack;
  parallelism: Parallelism;
}

/**
 * What of a step no published run backs: each a few words such as `mixture of experts`. `runs` are those that the stack's constants were fitted on, or
 * held against. Empty where the step lies within what was measured.
 */
export function notValidated(step: PlannedStep, runs: readonly MeasuredRun[]): string[] {
  const { model, machine, workload, stack, parallelism } = step;
  const { tp, pp, cp, ep, interleave, recompute, sequenceParallel, zero, offload } = parallelism;
  const most = (of: (run: MeasuredRun) => number) => runs.reduce((largest, run) => Math.max(largest, of(run)), 0);
  const has = (is: (run: MeasuredRun) => boolean) => runs.some(is);
  const missing: string[] = [];
  const check = (isUsed: boolean, isMeasured: boolean, what: string) => {
    if (isUsed && !isMeasured) missing.push(what);
  };
  const { moe, latentAttention, isGated, kvHeads, heads } = model;
  check(moe !== null, false, 'mixture of experts');
  check(latentAttention !== null, false, 'latent attention');
  check(
    latentAttention === null && kvHeads < heads,
    has(({ shape }) => shape.kvHeads < shape.heads),
    'grouped-query attention',
  );
  check(
    isGated,
    has(({ shape }) => shape.isGated),
    'gated MLP',
  );
  check(model.vocab === 0, false, 'a model without vocabulary');
  check(
    true,
    has((run) => run.stack === stack),
    stack,
  );
  check(
    true,
    has(({ gpu }) => gpu === machine.gpu.name),
    `${machine.gpu.name} with ${stack}`,
  );
  check(
    machine.gpus > machine.gpusPerNode,
    has(({ gpus, gpusPerNode }) => gpus > gpusPerNode && gpusPerNode === machine.gpusPerNode),
    `nodes of ${machine.gpusPerNode} GPUs`,
  );
  const gpusMost = most(({ gpus }) => gpus);
  check(true, machine.gpus <= gpusMost, `more than ${gpusMost} GPUs`);
  const sequenceMost = most((run) => run.workload.sequenceLength);
  check(true, workload.sequenceLength <= sequenceMost, `sequences beyond ${sequenceMost} tokens`);
  check(
    tp > machine.gpusPerNode,
    has(({ layout, gpusPerNode }) => layout.tp > gpusPerNode),
    'tp across nodes',
  );
  check(pp > 1, pp <= most(({ layout }) => layout.pp), `pp ${pp}`);
  check(
    cp > 1,
    has(({ layout }) => layout.cp > 1),
    'context parallelism',
  );
  check(ep > 1, false, 'expert parallelism');
  check(
    interleave > 1,
    has(({ layout }) => layout.interleave > 1),
    'interleaving',
  );
  check(
    true,
    has(({ layout }) => layout.recompute === recompute),
    `recompute ${recompute}`,
  );
  check(
    sequenceParallel,
    has(({ layout }) => layout.sequenceParallel),
    'sequence parallelism',
  );
  check(
    zero > 0,
    has(({ layout }) => layout.zero === zero),
    `ZeRO ${zero}`,
  );
  check(offload, false, 'offload');
  return missing;
}
