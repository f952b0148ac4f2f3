import { Counter, Gauge, type Registry } from 'prom-client';

export type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

/** One metric of `/metrics` whose values are read when Prometheus asks, from a source that is read once for all of them. */
export interface Family<Source> {
  name: string;
  help: string;
  labels: readonly string[];
  /** Default `gauge`. A counter's values only grow while the daemon lives. */
  kind?: 'gauge' | 'counter';
  read(source: Source): Iterable<Sample>;
}

/** Puts families into a registry; the function that comes back gives them the values of now. */
export function registerFamilies<Source>(
  families: readonly Family<Source>[],
  registry: Registry,
): (source: Source) => void {
  const metrics = families.map((family) => {
    const { name, help, labels } = family;
    const settings = { name, help, labelNames: [...labels], registers: [registry] };
    return { metric: family.kind === 'counter' ? new Counter(settings) : new Gauge(settings), family };
  });
  return (source) => {
    for (const { metric, family } of metrics) {
      metric.reset();
      for (const [labels, value] of family.read(source)) metric.inc(labels, value);
    }
  };
}
