import type { HealthOccasion, HealthReport, HealthResult, HealthStatus } from '../contract/health.ts';

/** Reasons of drains that a health check was the cause of begin with this: only they are taken back. */
export const HEALTH_REASON = 'health: ';
/** A node's reason is read in tables. */
const REASON_LENGTH_MAX = 240;

const EXIT_STATUS: Readonly<Record<HealthStatus, number>> = { ok: 0, skipped: 0, warning: 1, critical: 2, unknown: 3 };

/** Critical results, those of high severity first. */
export function failures({ results }: Pick<HealthReport, 'results'>): HealthResult[] {
  const critical = results.filter(({ status }) => status === 'critical');
  return [
    ...critical.filter(({ severity }) => severity === 'high'),
    ...critical.filter(({ severity }) => severity === 'low'),
  ];
}

/** Why a node is taken out: `health: gpu-count: expected 8 GPUs, found 7`. Null for a node that is not. */
export function drainReason(report: Pick<HealthReport, 'results'>): string | null {
  const failed = failures(report);
  if (failed.length === 0) return null;
  const reason = `${HEALTH_REASON}${grouped(failed).join('; ')}`;
  return reason.length > REASON_LENGTH_MAX ? `${reason.slice(0, REASON_LENGTH_MAX - 3)}...` : reason;
}

/** `gpu-count, gpu-ecc: nvidia-smi is not installed`: several checks stumble over one thing. */
export function grouped(results: readonly HealthResult[]): string[] {
  const names = new Map<string, string[]>();
  for (const { name, message } of results) names.set(message, [...(names.get(message) ?? []), name]);
  return [...names].map(([message, checks]) => `${checks.join(', ')}: ${message}`);
}

/** Nothing speaks against the node, and nothing is left open: UNKNOWN does not give a node back. */
export function isWell({ results }: Pick<HealthReport, 'results'>): boolean {
  return results.every(({ status }) => status !== 'critical' && status !== 'unknown');
}

/** Neither well nor left out for lack of something to look at. */
export function isBad({ status }: Pick<HealthResult, 'status'>): boolean {
  return status !== 'ok' && status !== 'skipped';
}

/** A run found something that others are to know. */
export function isWorthReporting({ xids, results }: Pick<HealthReport, 'xids' | 'results'>): boolean {
  return xids.length > 0 || results.some(isBad);
}

/**
 * Exit status of a run: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN, as Nagios has it. Slurm takes a node out for any status but 0: a prolog fails for
 * what is critical and high, an epilog for what is critical.
 */
export function exitStatus(report: Pick<HealthReport, 'results' | 'status'>, occasion: HealthOccasion | null): number {
  const failed = failures(report);
  switch (occasion) {
    case 'prolog':
      return failed.some(({ severity }) => severity === 'high') ? EXIT_STATUS.critical : 0;
    case 'epilog':
      return failed.length > 0 ? EXIT_STATUS.critical : 0;
    default:
      return EXIT_STATUS[report.status];
  }
}
