/** Tiles of the output that one streaming multiprocessor works on, and the share of its tensor-core rate each can reach. */
const TILES: readonly { readonly rows: number; readonly columns: number; readonly rate: number }[] = [
  { rows: 256, columns: 128, rate: 1 },
  { rows: 128, columns: 256, rate: 1 },
  { rows: 128, columns: 128, rate: 0.96 },
  { rows: 256, columns: 64, rate: 0.9 },
  { rows: 64, columns: 256, rate: 0.9 },
  { rows: 128, columns: 64, rate: 0.85 },
  { rows: 64, columns: 128, rate: 0.85 },
  { rows: 64, columns: 64, rate: 0.7 },
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

/** The exponent of the largest power of two, up to 64, that divides both. */
function alignment(columns: number, depth: number): number {
  let exponent = 6;
  while (exponent > 0 && (columns % (1 << exponent) !== 0 || depth % (1 << exponent) !== 0)) exponent -= 1;
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
  for (const tile of TILES) {
    const tiles = batch * Math.ceil(rows / tile.rows) * Math.ceil(columns / tile.columns);
    const waves = Math.ceil(tiles / rates.streamingMultiprocessors);
    const seconds = (waves * 2 * tile.rows * tile.columns * depth) / (perMultiprocessor * tile.rate);
    if (seconds < fastest) fastest = seconds;
  }
  const bytes = 2 * batch * (rows * depth + depth * columns + rows * columns);
  return Math.max(fastest, bytes / rates.memoryBytesPerSecond) + rates.gapSeconds;
}
