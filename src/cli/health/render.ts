import { HEALTH_SEVERITIES, type HealthReport, type HealthResult, type HealthStatus } from '../../contract/health.ts';
import { type Check, occasionsOf } from '../../health/check.ts';
import { failures, grouped } from '../../health/verdict.ts';
import { renderTable } from '../render/table.ts';
import { type Format, type Terminal, wrap } from '../render/terminal.ts';

const FORMATS: Readonly<Record<HealthStatus, Format | null>> = {
  ok: 'green',
  warning: 'yellow',
  critical: 'red',
  unknown: 'yellow',
  skipped: 'dim',
};

/** The first line is for Nagios and for logs: the word of the exit status and what is wrong. */
export function renderReport(report: HealthReport, terminal: Terminal): string {
  const table = renderTable<HealthResult>(
    [
      { header: 'STATUS', text: ({ status }) => status.toUpperCase(), format: ({ status }) => FORMATS[status] },
      { header: 'SEVERITY', text: ({ severity }) => severity },
      { header: 'CHECK', text: ({ name }) => name },
      { header: 'FOUND', isFlexible: true, isWrapped: true, text: ({ message }) => message },
    ],
    report.results.filter(({ status }) => status !== 'skipped'),
    terminal,
  );
  const skipped = report.results.flatMap(({ name, status }) => (status === 'skipped' ? [name] : []));
  const rest = `Skipped, for lack of something to look at or to expect: ${skipped.join(', ')}`;
  return [summary(report), table, ...(skipped.length > 0 ? [paragraph(rest, terminal)] : [])].join('\n\n');
}

/** `CRITICAL s1: gpu-count: expected 8 GPUs, found 7`. */
export function summary(report: HealthReport): string {
  const { results, status, node } = report;
  const bad = status === 'critical' ? failures(report) : results.filter((result) => result.status === status);
  const isFine = status === 'ok' || status === 'skipped';
  const found = isFine
    ? `${results.filter((result) => result.status === 'ok').length} checks passed`
    : grouped(bad).join('; ');
  return `${isFine ? 'OK' : status.toUpperCase()} ${node}: ${found}`;
}

export function renderChecks(checks: readonly Check[], terminal: Terminal): string {
  const table = renderTable<Check>(
    [
      { header: 'CHECK', text: ({ name }) => name },
      {
        header: 'SEVERITY',
        text: ({ severity }) => severity,
        format: ({ severity }) => (severity === 'high' ? 'red' : null),
      },
      {
        header: 'FINDS (AND READS)',
        isFlexible: true,
        isWrapped: true,
        text: ({ finds, reads }) => `${finds} (${reads})`,
      },
    ],
    checks,
    terminal,
  );
  const [high, low] = HEALTH_SEVERITIES.map((severity) => occasionsOf({ severity }).join(', '));
  const others = checks.flatMap(({ name, runsAs }) =>
    runsAs === undefined ? [] : [`; ${name}: ${runsAs.join(', ')}`],
  );
  return `${table}\n\n${paragraph(`Run as (--as) high: ${high}; low: ${low}${others.join('')}`, terminal)}`;
}

function paragraph(text: string, { width }: Terminal): string {
  return width === null ? text : wrap(text, width).join('\n');
}
