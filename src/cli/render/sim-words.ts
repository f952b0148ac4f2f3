const YEAR_SECONDS = 365.25 * 86_400;
/** The smallest that is said in digits. */
const PERCENT_MIN = 0.01;
const RESERVATIONS_MAX = 8;

/** Seconds in the unit a reader thinks in, three digits at most: `12 min`, `9.1 h`, `3.4 d`, `68 y`. */
export function shortTime(seconds: number): string {
  const size = Math.abs(seconds);
  if (size < 0.5) return size < 0.0005 ? '0 s' : `${digits(seconds * 1000)} ms`;
  if (size < 99.5) return `${digits(seconds)} s`;
  if (size < 99.5 * 60) return `${digits(seconds / 60)} min`;
  if (size < 48 * 3600) return `${digits(seconds / 3600)} h`;
  if (size < 2 * YEAR_SECONDS) return `${digits(seconds / 86_400)} d`;
  return `${digits(seconds / YEAR_SECONDS)} y`;
}

/** Two digits that count, or all before the point: `0.62`, `9.1`, `120`. */
export function digits(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size >= 9.95) return Math.round(value).toLocaleString('en');
  const places = Math.max(0, 1 - Math.floor(Math.log10(size)));
  return String(Number(value.toFixed(Math.min(6, places))));
}

/** A share as percent: `83.1 %`, `0.04 %`; one that is smaller than a reader cares for: `< 0.01 %`, and `> -0.01 %` below 0. */
export function percent(share: number): string {
  const value = share * 100;
  const size = Math.abs(value);
  if (size === 0 || size >= 0.095) return `${value.toFixed(1)} %`;
  if (size < PERCENT_MIN) return value < 0 ? `> -${PERCENT_MIN} %` : `< ${PERCENT_MIN} %`;
  return `${digits(value)} %`;
}

export function whole(count: number): string {
  return Math.round(count).toLocaleString('en');
}

/** How long a run is: `1 day`, `0.25 days`, `30 days`. */
export function daysText(days: number): string {
  const span = digits(days);
  return `${span} ${span === '1' ? 'day' : 'days'}`;
}

/** `1 job`, `12 jobs`. */
export function counted(count: number, what: string): string {
  return `${whole(count)} ${what}${Math.round(count) === 1 ? '' : 's'}`;
}

/** Which nodes are kept for some, and when: the first few, each with its name. `4 nodes, 0 s to 90 s`. */
export function reservationFacts(
  reservations: readonly { name: string; nodes: number; startSeconds: number; endSeconds: number }[],
): [name: string, words: string][] {
  const facts = reservations
    .slice(0, RESERVATIONS_MAX)
    .map(({ name, nodes, startSeconds, endSeconds }): [string, string] => [
      `reservation ${name}`,
      `${counted(nodes, 'node')}, ${shortTime(startSeconds)} to ${shortTime(endSeconds)}`,
    ]);
  const rest = reservations.length - RESERVATIONS_MAX;
  return rest <= 0 ? facts : [...facts, ['more reservations', whole(rest)]];
}
