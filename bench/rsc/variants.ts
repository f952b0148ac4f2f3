import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseDocument } from 'yaml';
import { loadScenario } from '../../src/cli/sim/load-scenario.ts';
import type { ScenarioFields } from '../../src/formats/scenario-file.ts';

const CATALOG = join(import.meta.dirname, '..', '..', 'catalog');

/** What the detector of lemons needs to see before it has found most. */
const LEMON_WARMUP_DAYS = 60;

/** RSC-1: 2,000 DGX A100. */
export function rsc1(days: number, seed = 1): ScenarioFields {
  return { cluster: 'rsc-phase2', workload: 'rsc-1', days, seed };
}

/** The same with lemon nodes looked for, measured from when most have been found. */
export function rsc1WithoutLemons(days: number, seed = 1): ScenarioFields {
  return { ...rsc1(days, seed), lemons: true, warmupDays: Math.min(LEMON_WARMUP_DAYS, days / 2) };
}

/** A job of 1,024 GPUs that loses a node again and again, two weeks of it. */
export async function crashLoop(seed: number): Promise<ScenarioFields> {
  return { ...(await loadScenario('crash-loop-uncapped')), seed };
}

export interface Variant {
  title: string;
  fields: Partial<ScenarioFields>;
}

/** Variants of what is given; they have files. */
export interface Variants {
  /** All nodes fail alike, as the formulas of MTTF and ETTR have it. */
  even: Variant;
  /** Inputs that were published, or that had to be assumed, each changed alone, to see what depends on it. */
  all: readonly Variant[];
  /** To be called when done. */
  remove: () => void;
}

export function variants(): Variants {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-rsc-'));
  let files = 0;
  /** A file of the catalogue with one figure changed. */
  const changed = (kind: string, name: string, path: readonly (string | number)[], value: unknown): string => {
    const document = parseDocument(readFileSync(join(CATALOG, kind, `${name}.yaml`), 'utf8'));
    if (!document.hasIn(path)) throw new Error(`${kind}/${name}.yaml has no ${path.join('.')}`);
    document.setIn(path, value);
    const file = join(folder, `${kind}-${(files += 1)}.yaml`);
    writeFileSync(file, document.toString());
    return file;
  };
  const failures = (path: readonly string[], value: unknown) => ({
    failures: changed('failures', 'rsc-1', path, value),
  });
  const workload = (path: readonly (string | number)[], value: unknown) => ({
    workload: changed('workloads', 'rsc-1', path, value),
  });
  const mix = (high: number, normal: number, low: number) => workload(['qosMixes', 'large'], { high, normal, low });
  return {
    even: { title: 'no lemons', fields: failures(['lemons', 'failureShare'], 0) },
    all: [
      { title: 'arrivals x 0.95', fields: { load: 0.95 } },
      { title: 'arrivals x 1.05', fields: { load: 1.05 } },
      { title: 'failure rate x 0.5', fields: { set: { failuresPerThousandNodeDays: '3.25' } } },
      { title: 'failure rate x 2', fields: { set: { failuresPerThousandNodeDays: '13' } } },
      { title: 'lemons half of the failures', fields: failures(['lemons', 'failureShare'], 0.5) },
      { title: 'user failures 0.12, not 0.24', fields: workload(['ends', 'failed'], 0.12) },
      { title: 'large jobs all high QOS', fields: mix(1, 0, 0) },
      { title: 'large jobs half low QOS', fields: mix(0.2, 0.3, 0.5) },
      { title: 'limits three times as long', fields: workload(['limitUseMin'], 0.3) },
      { title: 'the youngest preempted first', fields: { set: { 'preempt.isYoungestFirst': 'true' } } },
      { title: 'preemption after 30 min, not 2 h', fields: { set: { 'preempt.exemptSeconds': '1800' } } },
    ],
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
