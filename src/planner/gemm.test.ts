import { describe, expect, it } from 'vitest';
import { type GemmRates, gemmSeconds } from './gemm.ts';

const rates: GemmRates = { flops: 250e12, memoryBytesPerSecond: 1.8e12, streamingMultiprocessors: 108, gapSeconds: 0 };

describe('gemmSeconds', () => {
  it('reaches the rate where tiles fill whole waves', () => {
    // 108 tiles of 256 x 128: one wave.
    const seconds = gemmSeconds(256 * 12, 128 * 9, 8192, 1, rates);
    expect((2 * 256 * 12 * 128 * 9 * 8192) / seconds).toBeCloseTo(250e12, -9);
  });

  it('takes as long for one tile more as for a wave more of the tile that suits best', () => {
    const full = gemmSeconds(256 * 12, 128 * 9, 8192, 1, rates);
    const oneRowMore = gemmSeconds(256 * 12 + 1, 128 * 9, 8192, 1, rates);
    expect(oneRowMore).toBeGreaterThan(1.2 * full);
    expect(oneRowMore).toBeLessThanOrEqual(2 * full);
  });

  it('is bound by memory where there is little arithmetic a byte', () => {
    const seconds = gemmSeconds(16, 4096, 4096, 1, { ...rates, memoryBytesPerSecond: 1e12 });
    expect(seconds).toBeCloseTo((2 * (16 * 4096 + 4096 * 4096 + 16 * 4096)) / 1e12, 9);
  });

  it('falls off where a dimension is odd', () => {
    const even = gemmSeconds(2048, 2048, 224, 8, rates);
    const odd = gemmSeconds(2048, 2048, 225, 8, rates);
    expect(odd).toBeGreaterThan(8 * even);
  });

  it('counts what comes between kernels', () => {
    const gap = gemmSeconds(256, 256, 256, 1, { ...rates, gapSeconds: 1e-3 }) - gemmSeconds(256, 256, 256, 1, rates);
    expect(gap).toBeCloseTo(1e-3, 12);
  });
});
