import type { HealthExpectation, HealthOccasion } from '../contract/health.ts';
import { OrreryError } from '../contract/errors.ts';
import { type Check, occasionsOf } from './check.ts';
import { customCheck } from './custom-check.ts';
import { GPU_CHECKS } from './gpu-checks.ts';
import { HOST_CHECKS } from './host-checks.ts';
import { INFINIBAND_CHECKS } from './infiniband-checks.ts';
import { KERNEL_CHECKS } from './kernel-checks.ts';
import { PROCESS_CHECKS } from './process-checks.ts';
import { STORAGE_CHECKS } from './storage-checks.ts';

const BUILT_IN: readonly Check[] = [
  ...GPU_CHECKS,
  ...KERNEL_CHECKS,
  ...INFINIBAND_CHECKS,
  ...STORAGE_CHECKS,
  ...HOST_CHECKS,
  ...PROCESS_CHECKS,
];

/** All checks of a site, each with the severity that the site gives it. Throws ORR_BAD_FILE for names that are not there or taken. */
export function allChecks(expect: HealthExpectation): Check[] {
  const checks = [...BUILT_IN];
  for (const custom of expect.custom) {
    if (checks.some(({ name }) => name === custom.name)) {
      throw new OrreryError('ORR_BAD_FILE', `custom check "${custom.name}": there is a check of this name already`);
    }
    checks.push(customCheck(custom));
  }
  const named = { skip: expect.skip, severities: Object.keys(expect.severities) };
  for (const [field, names] of Object.entries(named)) {
    for (const name of names) requireCheck(checks, name, 'ORR_BAD_FILE', field);
  }
  return checks.map((check) => ({ ...check, severity: expect.severities[check.name] ?? check.severity }));
}

/** Those that are to run: by name (then whatever the occasion), else all that the site does not skip. Throws ORR_USAGE, ORR_BAD_FILE. */
export function chosenChecks(
  expect: HealthExpectation,
  choice: { occasion: HealthOccasion | null; names?: readonly string[] | undefined },
): Check[] {
  const { occasion, names } = choice;
  const checks = allChecks(expect);
  if (names !== undefined) {
    for (const name of names) requireCheck(checks, name, 'ORR_USAGE', '--checks');
    return checks.filter(({ name }) => names.includes(name));
  }
  return checks.filter(
    (check) => !expect.skip.includes(check.name) && (occasion === null || occasionsOf(check).includes(occasion)),
  );
}

function requireCheck(checks: readonly Check[], name: string, code: 'ORR_USAGE' | 'ORR_BAD_FILE', field: string): void {
  if (checks.some((check) => check.name === name)) return;
  throw new OrreryError(code, `${field}: no check "${name}"; orrery health list shows them`);
}
