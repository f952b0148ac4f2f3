import { randomBytes } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { OrreryError } from '../../contract/errors.ts';
import { errorCode } from '../../lib/error-code.ts';
import { renderPlanPage } from '../render/plan-page.ts';
import type { PlanReport } from './plan.ts';
import type { PlanRequest } from './request.ts';
import { scalingOf } from './scaling.ts';

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EISDIR: 'is a folder',
  ENOENT: 'no such folder',
  ENOSPC: 'no space left',
  ENOTDIR: 'a part of the path is not a folder',
  EROFS: 'read-only file system',
};

/** Writes the HTML page of a plan, whole or not at all. `argv`: what the user typed after `orrery`. Throws ORR_BAD_FILE. */
export async function writePlanPage(
  file: string,
  report: PlanReport,
  request: PlanRequest,
  argv: readonly string[],
): Promise<void> {
  const page = renderPlanPage(report, request, scalingOf(request), commandText(argv));
  const half = `${resolve(file)}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await writeFile(half, page, { flag: 'wx' });
    await rename(half, resolve(file));
  } catch (cause) {
    await rm(half, { force: true }).catch(() => {});
    const code = errorCode(cause);
    throw new OrreryError('ORR_BAD_FILE', `report: cannot write ${file}: ${REASONS[code] ?? (code || 'unwritable')}`, {
      cause,
    });
  }
}

/** As it can be pasted into a POSIX shell. */
export function commandText(argv: readonly string[]): string {
  return ['orrery', ...argv]
    .map((word) => (/^[\w./:=,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(' ');
}
