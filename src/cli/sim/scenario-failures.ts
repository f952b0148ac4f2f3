import { basename } from 'node:path';
import { parseFailureFile } from '../../formats/failure-file.ts';
import { OrreryError } from '../../contract/errors.ts';
import { type FailureModel, nodeRates } from '../../twin/failure-model.ts';
import { readText } from '../read-text.ts';
import { catalogueFile } from '../catalogue-file.ts';
import type { Overrides } from './overrides.ts';

/** What breaks in a scenario; null where nothing does. Throws ORR_BAD_FILE, ORR_USAGE. */
export async function failureModelOf(nameOrFile: string, overrides: Overrides): Promise<FailureModel | null> {
  if (nameOrFile === 'none') return null;
  const path = catalogueFile('failure model', nameOrFile);
  const model = parseFailureFile(await readText(path), basename(path));
  const { failuresPerThousandNodeDays = model.failuresPerThousandNodeDays } = overrides;
  const changed = { ...model, failuresPerThousandNodeDays };
  try {
    nodeRates(changed);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new OrreryError('ORR_USAGE', `failures ${basename(path)}: ${cause.message}`, { cause });
  }
  return changed;
}
