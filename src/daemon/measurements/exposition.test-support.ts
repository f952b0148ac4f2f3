import { assert } from '../../lib/assert.ts';

export interface ExposedSample {
  /** With `_bucket`, `_sum` or `_count` where the family is a histogram. */
  name: string;
  labels: Readonly<Record<string, string>>;
  value: number;
}

export interface ExposedFamily {
  name: string;
  type: string;
  help: string;
  samples: ExposedSample[];
}

const NAME = /^[a-z][a-z0-9_]*$/;
/** Units that are not base units, and what histograms call their parts. */
const NO_UNIT = /_(?:bucket|sum|count|ms|milliseconds|minutes|hours|megabytes|percent)(?:_total)?$/;
const LABEL = /([a-z_][a-z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/y;

/**
 * For tests: reads Prometheus' text format (version 0.0.4) and holds it against what Prometheus asks of it and of names
 * (https://prometheus.io/docs/practices/naming/): one HELP and one TYPE before the samples of a family, no series twice, `_total` for counters and for
 * nothing else, histograms whole.
 */
export function parseExposition(text: string): Map<string, ExposedFamily> {
  assert(text.endsWith('\n'), 'the last line ends');
  const families = new Map<string, ExposedFamily>();
  const series = new Set<string>();
  let help: { name: string; text: string } | undefined;
  let family: ExposedFamily | undefined;
  for (const line of text.split('\n').filter((one) => one !== '')) {
    const [, keyword, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    if (keyword === 'HELP') {
      help = { name, text: rest };
    } else if (keyword === 'TYPE') {
      assert(help?.name === name, `HELP before ${line}`);
      assert(!families.has(name), `${name} once`);
      assert(['counter', 'gauge', 'histogram'].includes(rest), line);
      assert(NAME.test(name), line);
      assert(name.endsWith('_total') === (rest === 'counter'), line);
      assert(!NO_UNIT.test(name), `base units: ${line}`);
      family = { name, type: rest, help: help.text, samples: [] };
      families.set(name, family);
    } else {
      assert(family !== undefined, `TYPE before ${line}`);
      const sample = parseSample(line);
      const labels = Object.entries(sample.labels).map(([label, value]) => `${label}=${JSON.stringify(value)}`);
      const key = [sample.name, ...labels.toSorted()].join(' ');
      assert(!series.has(key), `once: ${line}`);
      series.add(key);
      const suffix = sample.name.slice(family.name.length);
      const suffixes = family.type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
      assert(sample.name.startsWith(family.name) && suffixes.includes(suffix), `${line} is of ${family.name}`);
      family.samples.push(sample);
    }
  }
  for (const one of families.values()) if (one.type === 'histogram') assertWhole(one);
  return families;
}

function parseSample(line: string): ExposedSample {
  const [, name, inner = '', number = ''] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
  assert(name !== undefined, line);
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < inner.length) {
    const match = LABEL.exec(inner);
    assert(match !== null, `labels of ${line}`);
    labels[match[1] ?? ''] = match[2] ?? '';
  }
  const value = number === '+Inf' ? Infinity : Number(number);
  assert(!Number.isNaN(value), line);
  return { name, labels, value };
}

/** Its buckets only grow, and the last one, `+Inf`, has all. */
function assertWhole({ name, samples }: ExposedFamily): void {
  for (const { labels, value } of samples.filter((sample) => sample.name === `${name}_count`)) {
    const buckets = samples.filter(({ name: sampleName, labels: { le, ...others } }) => {
      return sampleName === `${name}_bucket` && le !== undefined && JSON.stringify(others) === JSON.stringify(labels);
    });
    assert(
      buckets.every((bucket, index) => bucket.value >= (buckets[index - 1]?.value ?? 0)),
      `buckets of ${name}`,
    );
    assert(buckets.at(-1)?.labels['le'] === '+Inf' && buckets.at(-1)?.value === value, `all of ${name} below +Inf`);
  }
}
