import { basename } from 'node:path';
import { OrreryError } from '../../contract/errors.ts';
import { NO_EXPECTATION } from '../../contract/health.ts';
import { parseHealthFile } from '../../formats/health-file.ts';
import { chosenChecks } from '../../health/suite.ts';
import type { HealthWatchOptions } from './health-watch.ts';
import { readInputFile } from '../input-file.ts';

/** How the daemon checks its machine, or the idle ones of Slurm; null: not at all. Throws ORR_USAGE, ORR_BAD_FILE. */
export function healthOptions(intervalSeconds: number, file: string | null): HealthWatchOptions | null {
  if (intervalSeconds === 0) {
    if (file !== null) throw new OrreryError('ORR_USAGE', '--health-expect: give --health-interval too');
    return null;
  }
  const expect = file === null ? NO_EXPECTATION : parseHealthFile(readInputFile(file, 'health file'), basename(file));
  // Names of checks that are not there are told of now.
  chosenChecks(expect, { occasion: 'healthcheck' });
  return { intervalMs: intervalSeconds * 1000, expect, ...(file !== null && { expectFile: file }) };
}
