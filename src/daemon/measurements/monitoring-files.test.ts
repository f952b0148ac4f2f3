import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { parseExposition } from './exposition.test-support.ts';
import { Measurements } from './measurements.ts';
import { readPromql } from './promql.test-support.ts';

const docs = join(import.meta.dirname, '..', '..', '..', 'docs');
const read = (name: string) => readFileSync(join(docs, name), 'utf8');

const { registry } = new Measurements();
/** Every metric and its labels. */
const labelsOf = new Map(
  registry.getMetricsAsArray().map((metric) => {
    const { labelNames } = z.object({ labelNames: z.array(z.string()) }).parse({ ...metric });
    return [metric.name, labelNames];
  }),
);
/** What Prometheus itself adds. */
const PROMETHEUS = { metrics: ['up'], labels: ['job', 'instance'] };

function expectKnown(expr: string): void {
  const { metrics, labels } = readPromql(expr);
  const known = new Set<string>(PROMETHEUS.labels);
  for (const metric of metrics) {
    if (PROMETHEUS.metrics.includes(metric)) continue;
    const family = labelsOf.has(metric) ? metric : metric.replace(/_(?:bucket|sum|count)$/, '');
    expect([...labelsOf.keys()]).toContain(family);
    for (const label of labelsOf.get(family) ?? []) known.add(label);
    if (metric.endsWith('_bucket')) known.add('le');
  }
  for (const label of labels) expect([...known]).toContain(label);
}

const dashboardSchema = z.object({
  panels: z.array(z.object({ title: z.string(), targets: z.array(z.object({ expr: z.string() })).default([]) })),
});
const rulesSchema = z.object({
  groups: z.array(
    z.object({
      rules: z.array(
        z.object({
          alert: z.string(),
          expr: z.string(),
          annotations: z.object({ summary: z.string(), description: z.string() }),
        }),
      ),
    }),
  ),
});

describe('the reader of expressions', () => {
  it('finds metrics and labels', () => {
    const expr =
      'histogram_quantile(0.9, sum by (le, kind) (rate(a_bucket{job=~"$job", x!="by (y)"}[5m]))) / b > 1e3 or vector(0)';
    expect(readPromql(expr)).toEqual({ metrics: ['a_bucket', 'b'], labels: ['job', 'x', 'le', 'kind'] });
  });
});

describe('the dashboard for Grafana', () => {
  const { panels } = dashboardSchema.parse(JSON.parse(read('monitoring/grafana-dashboard.json')));
  const expressions = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));

  it('asks for what the daemon tells, by labels that are there', () => {
    expect(expressions.length).toBeGreaterThan(30);
    for (const expr of expressions) expectKnown(expr);
  });
});

describe('the rules for Prometheus', () => {
  const rules = rulesSchema
    .parse(parse(read('monitoring/prometheus-alerts.yaml')))
    .groups.flatMap((group) => group.rules);

  it('ask for what the daemon tells, and say what is there', () => {
    expect(rules.length).toBeGreaterThan(5);
    for (const { expr, annotations } of rules) {
      expectKnown(expr);
      const { metrics } = readPromql(expr);
      const labels = new Set([...PROMETHEUS.labels, ...metrics.flatMap((metric) => labelsOf.get(metric) ?? [])]);
      for (const [, label = ''] of Object.values(annotations)
        .join(' ')
        .matchAll(/\$labels\.(\w+)/g)) {
        expect([...labels]).toContain(label);
      }
    }
  });
});

describe('the guide', () => {
  it('names every metric with its labels, and no other', () => {
    const rows = [...read('guides/monitoring.md').matchAll(/^\| `(\w+)(?:\{([\w, ]+)\})?` \|/gm)];
    const told = rows.map(([, name = '', labels = '']) => [name, labels.split(', ').filter((label) => label !== '')]);
    expect(Object.fromEntries(told)).toEqual(Object.fromEntries(labelsOf));
  });
});

describe('what is exposed before anything has happened', () => {
  it('is whole', async () => {
    const families = parseExposition(await registry.metrics());
    expect([...families.keys()].sort()).toEqual([...labelsOf.keys()].sort());
    for (const { help } of families.values()) expect(help).toMatch(/^\S.*\.$/);
  });
});
