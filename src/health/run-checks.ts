import type {
  HealthExpectation,
  HealthOccasion,
  HealthReport,
  HealthResult,
  HealthStatus,
} from '../contract/health.ts';
import { errorMessage } from '../lib/error-message.ts';
import { type Check, type CheckRun, type Finding, firstLine, unknown } from './check.ts';
import type { Machine } from './machine.ts';

export interface RunInput {
  checks: readonly Check[];
  machine: Machine;
  expect: HealthExpectation;
  occasion: HealthOccasion | null;
  /** Name of the node in the report. */
  node: string;
}

/** The worst first, as the Nagios plugins order them. */
const WORST_FIRST: readonly HealthStatus[] = ['critical', 'warning', 'unknown', 'ok', 'skipped'];

/** Runs checks, all at once: each waits for a program or a file most of the time. Never rejects: a check that throws is UNKNOWN. */
export async function runChecks({ checks, machine, expect, occasion, node }: RunInput): Promise<HealthReport> {
  const run: CheckRun = { machine, expect, xids: [], gpuPciAddresses: [] };
  const results = await Promise.all(checks.map((check) => runCheck(check, run)));
  return {
    node,
    occasion,
    atTime: machine.now() / 1000,
    status: worst(results.map(({ status }) => status)),
    results,
    xids: run.xids,
    gpuPciAddresses: run.gpuPciAddresses,
  };
}

async function runCheck(check: Check, run: CheckRun): Promise<HealthResult> {
  const startMs = run.machine.now();
  const { status, message } = await find(check, run);
  const { name, severity } = check;
  return { name, severity, status, message: firstLine(message), durationMs: run.machine.now() - startMs };
}

async function find(check: Check, run: CheckRun): Promise<Finding> {
  try {
    return await check.run(run);
  } catch (error) {
    return unknown(`the check failed: ${errorMessage(error)}`);
  }
}

/** OK for none. */
export function worst(statuses: readonly HealthStatus[]): HealthStatus {
  return WORST_FIRST.find((status) => statuses.includes(status)) ?? 'ok';
}
