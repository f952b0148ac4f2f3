import type { SizeClass } from '../report.ts';

/** Devices at which one of the classes below begins: what is counted by these can be summed up to any of them. */
const FINE_FROM = [
  0, 1, 2, 4, 5, 8, 9, 16, 32, 64, 65, 128, 129, 256, 512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536, 131_072,
] as const;

export const FINE_COUNT = FINE_FROM.length;

/** For tables of waits and sizes. Job sizes are powers of two for the most part; five to eight devices fill a node of eight. */
export const SIZE_CLASSES: readonly SizeClass[] = classesFrom([0, 1, 2, 5, 9, 65, 256, 512, 1024, 2048, 4096]);

/** For curves over the size: one to a doubling. */
export const OCTAVES: readonly SizeClass[] = classesFrom([
  1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536, 131_072,
]);

const TABLE_MAX = 131_072;
const FINE_OF = newTable();

/** The fine class of a number of devices. */
export function fineClassOf(devices: number): number {
  return FINE_OF[devices <= TABLE_MAX ? devices : TABLE_MAX] ?? 0;
}

/** Fine classes that lie within one of the classes above, or within any bounds that are bounds of those. */
export function fineWithin(from: number, to: number | null): number[] {
  return FINE_FROM.flatMap((each, index) => (each >= from && (to === null || each <= to) ? [index] : []));
}

/** Sum over the fine classes within bounds, both included. */
export function sumWithin(byFine: ArrayLike<number>, from: number, to: number | null): number {
  return fineWithin(from, to).reduce((sum, index) => sum + (byFine[index] ?? 0), 0);
}

function classesFrom(bounds: readonly number[]): SizeClass[] {
  return bounds.map((from, index) => {
    const next = bounds[index + 1];
    const to = next === undefined ? null : next - 1;
    return { label: to === null ? `${from}+` : to === from ? `${from}` : `${from}-${to}`, from, to };
  });
}

function newTable(): Uint8Array {
  const table = new Uint8Array(TABLE_MAX + 1);
  FINE_FROM.forEach((from, index) => table.fill(index, from));
  return table;
}
