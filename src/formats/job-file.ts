import { type JobSpec, jobSpecSchema } from '../contract/job.ts';
import { parseYaml } from './yaml-file.ts';

/** A job from a YAML (or JSON) file. Throws ORR_BAD_FILE with `file:line:column`. */
export function parseJobFile(text: string, fileName: string): JobSpec {
  return parseYaml(text, fileName, jobSpecSchema);
}

/** Jobs from JSON lines, one object a line; empty lines are skipped. Throws ORR_BAD_FILE with `file:line:column` of the first faulty one. */
export function parseJobLines(text: string, fileName: string): JobSpec[] {
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return [];
    const parsed = jobSpecSchema.safeParse(tryJson(line));
    // Only a faulty line is read again, by the slower reader that knows places.
    return [parsed.success ? parsed.data : parseYaml(line, fileName, jobSpecSchema, index + 1)];
  });
}

function tryJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
