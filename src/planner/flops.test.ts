import { describe, expect, it } from 'vitest';
import { stepFlops } from './flops.ts';
import { gpt } from './planner.test-support.ts';

describe('stepFlops', () => {
  it('is equation 3 of Narayanan et al. for a GPT with full recompute', () => {
    const [layers, hidden, vocab, sequence, batch] = [96, 12_288, 51_200, 2048, 1536];
    const flops = stepFlops(
      gpt('gpt3', layers, hidden, 96, { vocab }),
      { sequenceLength: sequence, globalBatch: batch },
      'full',
    );
    const formula =
      96 * batch * sequence * layers * hidden ** 2 * (1 + sequence / (6 * hidden) + vocab / (16 * layers * hidden));
    expect(flops.hardware / formula).toBeCloseTo(1, 12);
  });

  it('is the overhead of selective recompute of Korthikanti et al. (2022), section 5: attention again, 2.7 % for GPT-3', () => {
    const workload = { sequenceLength: 2048, globalBatch: 64 };
    const { model, hardware } = stepFlops(gpt('gpt3', 96, 12_288, 96), workload, 'selective');
    expect(hardware / model - 1).toBeGreaterThan(0.005);
    expect(hardware / model - 1).toBeLessThan(0.03);
  });

  it('counts nothing twice for selective recompute of flash attention', () => {
    const { model, hardware } = stepFlops(
      gpt('a', 32, 4096, 32),
      { sequenceLength: 8192, globalBatch: 8 },
      'selective',
      true,
    );
    expect(hardware).toBe(model);
  });

  it('halves the attention of half as many heads, and not its keys for fewer of these', () => {
    const workload = { sequenceLength: 8192, globalBatch: 8 };
    const all = stepFlops(gpt('a', 32, 4096, 32), workload, 'selective');
    const grouped = stepFlops(gpt('b', 32, 4096, 32, { kvHeads: 8 }), workload, 'selective');
    expect(grouped.hardware - grouped.model).toBe(all.hardware - all.model);
    expect(grouped.model).toBeLessThan(all.model);
  });
});
