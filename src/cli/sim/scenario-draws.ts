import type { ScenarioFields } from '../../formats/scenario-file.ts';

/** The failure model of a scenario, by its name or file: that of its workload unless it says otherwise; `none` for the jobs of a trace. */
export function failureNameOf({ failures, workload }: ScenarioFields): string {
  if (failures !== undefined) return failures;
  if (workload === undefined) return 'none';
  return workload === 'rsc-2' ? 'rsc-2' : 'rsc-1';
}

/** Something of it is drawn by its seed: jobs of a workload, failures. Otherwise it comes to the same with every seed. */
export function isDrawn(fields: ScenarioFields): boolean {
  return fields.workload !== undefined || failureNameOf(fields) !== 'none';
}
