import type { StepBreakdown } from './step-cost.ts';

/** Parts of a step that are worth a word. */
const SHARE_LEAST = 0.08;

/** What a part of the step other than compute says of the bottleneck, and what would shorten it. */
const OVERHEADS: readonly (readonly [part: keyof StepBreakdown, text: string])[] = [
  [
    'memoryBound',
    'GPU memory bandwidth: norms, activations, residuals and, without flash attention, the softmax; fused kernels shorten them',
  ],
  ['embedding', 'the embedding and the logits, which only the first and the last stage compute'],
  ['recompute', 'GPU memory: activations are computed twice because keeping them does not fit or costs more elsewhere'],
  [
    'host',
    'the host, which launches kernels more slowly than the GPU runs them; a larger microbatch or less tensor parallelism helps',
  ],
  [
    'tensorParallel',
    'the links between GPUs of a tensor-parallel group; less tensor parallelism needs more memory a GPU',
  ],
  ['contextParallel', 'the links that carry keys and values between the parts of a sequence'],
  ['expertParallel', 'the links that carry tokens to their experts'],
  ['pipeline', 'the network between pipeline stages'],
  ['bubble', 'the pipeline, idle while it fills and drains; a larger global batch or fewer stages shortens that'],
  [
    'dataParallel',
    'the network between replicas, busier than the backward pass can hide; a larger global batch or fewer replicas helps',
  ],
  ['optimizer', 'the optimizer step; sharding its state over replicas shortens it'],
  ['offload', 'PCIe and host memory, through which the offloaded state passes'],
];

/** What limits a step, the largest share first; one entry at least. `peakShare`: of the GPUs' peak reached while they compute. */
export function whatLimits(seconds: StepBreakdown, iterationSeconds: number, peakShare: number): string[] {
  const percent = (share: number) => `${Math.floor(100 * share)} %`;
  const compute = seconds.compute / iterationSeconds;
  const limits = [
    {
      share: compute,
      text: `${percent(compute)} of the step are GEMMs and attention, at ${percent(peakShare)} of peak`,
    },
  ];
  for (const [part, text] of OVERHEADS) {
    const share = seconds[part] / iterationSeconds;
    if (share >= SHARE_LEAST) limits.push({ share, text: `${percent(share)} is ${text}` });
  }
  return limits.toSorted((a, b) => b.share - a.share).map(({ text }) => text);
}
