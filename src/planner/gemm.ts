/** Tiles of the output that one streaming multiprocessor works on, and the share of its tensor-core rate each can reach. */
const TILES: readonly (readonly [rows: number, columns: number, rate: number])[] = [
  [256, 128, 1],
  [128, 256, 1],
  [128, 128, 0.96],
  [256, 64, 0.9],
  [64, 256, 0.9],
  [128, 64, 0.85],
  [64, 128, 0.85],
  [64, 64, 0.7],
];

/** Share of the rate where contiguous dimensions are multiples of 2^index elements of two bytes only; 64 (128 bytes) and up is full. */
const ALIGNED_RATE = [0.05, 0.1, 0.3, 0.8, 0.9, 0.97, 1];

export interface GemmRates {
  /** What the tensor cores sustain on a large GEMM, FLOP/s. */
  flops: number;
  /** What memory sustains, bytes/s. */
  memoryBytesPerSecond: number;
  streamingMultiprocessors: number;
  /** From one kernel to the next, seconds. */
  gapSeconds: number;
}

/** The largest power of two, up to 64, that divides all of them. */
function alignment(...dimensions: readonly number[]): number {
  let exponent = 6;
  for (const dimension of dimensions) {
    while (exponent > 0 && dimension % 2 ** exponent !== 0) exponent -= 1;
  }
  return exponent;
}

/**
 * Seconds of `batch` products of [rows, depth] and [depth, columns] matrices of two-byte elements: the roofline of tensor cores and memory, where the
 * output is cut into tiles, tiles run in waves over the multiprocessors, and the last wave takes as long as a full one
 * (NVIDIA, Matrix Multiplication Background User's Guide, "Tile quantization" and "Wave quantization"). The library is taken to choose the best tile.
 */
export function gemmSeconds(rows: number, columns: number, depth: number, batch: number, rates: GemmRates): number {
  const perMultiprocessor =
    (rates.flops * (ALIGNED_RATE[alignment(columns, depth)] ?? 1)) / rates.streamingMultiprocessors;
  let fastest = Infinity;
  for (const [tileRows, tileColumns, rate] of TILES) {
    const tiles = batch * Math.ceil(rows / tileRows) * Math.ceil(columns / tileColumns);
    const waves = Math.ceil(tiles / rates.streamingMultiprocessors);
    const seconds = (waves * 2 * tileRows * tileColumns * depth) / (perMultiprocessor * rate);
    if (seconds < fastest) fastest = seconds;
  }
  const bytes = 2 * batch * (rows * depth + depth * columns + rows * columns);
  return Math.max(fastest, bytes / rates.memoryBytesPerSecond) + rates.gapSeconds;
}
