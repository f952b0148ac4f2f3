import { note } from '../output.ts';
import { type ReadingRemark, shownExamples } from './simulation-inputs.ts';

/** Tells on stderr what was not understood in full; of several scenarios, of which, unless of all. */
export function noteRemarks(scenarios: readonly { title: string; remarks: readonly ReadingRemark[] }[]): void {
  const told = new Map<string, { remark: ReadingRemark; titles: string[] }>();
  for (const { title, remarks } of scenarios) {
    for (const remark of remarks) {
      const key = JSON.stringify(remark);
      const known = told.get(key);
      if (known === undefined) told.set(key, { remark, titles: [title] });
      else known.titles.push(title);
    }
  }
  for (const { remark, titles } of told.values()) {
    note(`note: ${titles.length < scenarios.length ? `${titles.join(', ')}: ` : ''}${remark.what}`);
    for (const example of shownExamples(remark)) note(`  ${example}`);
  }
}
