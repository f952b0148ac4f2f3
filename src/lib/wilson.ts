/** Half the width of a 95 % interval, in standard deviations of a normal variable. */
const Z_95 = 1.959964;

/**
 * 95 % score interval of a share of which `right` of `total` were seen (Wilson, JASA 22, 1927): also near 0 and 1 it covers what it says, and it stays
 * between them. `total` is at least 1.
 */
export function wilsonInterval(right: number, total: number): { low: number; high: number } {
  const share = right / total;
  const square = Z_95 ** 2;
  const centre = share + square / (2 * total);
  const half = Z_95 * Math.sqrt((share * (1 - share)) / total + square / (4 * total ** 2));
  const scale = 1 + square / total;
  return { low: Math.max(0, (centre - half) / scale), high: Math.min(1, (centre + half) / scale) };
}
