import { basename } from 'node:path';
import { parseWorkloadFile } from '../../formats/workload-file.ts';
import type { WorkloadSpec } from '../../twin/workload-spec.ts';
import { readText } from '../read-text.ts';
import { catalogueFile } from '../catalogue-file.ts';

/** A workload of the catalogue or of a file. Throws ORR_USAGE, ORR_BAD_FILE. */
export async function readWorkload(nameOrFile: string): Promise<WorkloadSpec> {
  const path = catalogueFile('workload', nameOrFile);
  return parseWorkloadFile(await readText(path), basename(path));
}
