import { type HealthExpectation, healthExpectationSchema } from '../contract/health.ts';
import { parseYaml } from './yaml-file.ts';

/** What a site expects of its nodes, from a YAML file. Throws ORR_BAD_FILE. */
export function parseHealthFile(yaml: string, fileName: string): HealthExpectation {
  return parseYaml(yaml, fileName, healthExpectationSchema);
}
