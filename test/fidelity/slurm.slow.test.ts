import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { goFirst } from '../support/go-first.ts';
import { ensureSlurm } from '../support/slurm-cluster.ts';
import { WORKLOAD_SEED } from '../support/workload-seed.ts';
import { CASES } from './cases.ts';
import { compareRecording } from './compare.ts';
import { replayPasses } from './passes.ts';
import { recordCase } from './record.ts';

const BRIEF = CASES.find(({ name }) => name === 'fifo-brief');
const isThere = ensureSlurm();
if (!isThere)
  process.stderr.write('Slurm is not installed and cannot be: the twin is not held against a real one here\n');

it.skipIf(!isThere)(
  `does what a real Slurm does with a workload (seed ${WORKLOAD_SEED})`,
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'orrery-fidelity-'));
    const restore = goFirst();
    try {
      const name = join(folder, 'brief');
      if (BRIEF === undefined) throw new Error('the case is missing');
      await recordCase(BRIEF, WORKLOAD_SEED, { name });
      const { clean } = replayPasses(name);
      expect(clean.plans).toBeGreaterThan(20);
      expect(clean.same / clean.plans).toBeGreaterThan(0.97);
      // One workload of 90 jobs: a job that is backfilled a pass later is a percent of its own.
      const compared = compareRecording(name);
      expect(Math.abs(compared.meanWaitDifference)).toBeLessThan(0.2);
      expect(compared.medianStartDifferenceSeconds).toBeLessThanOrEqual(3);
      expect(compared.overAllocations).toBe(0);
    } finally {
      restore();
      rmSync(folder, { recursive: true });
    }
  },
  600_000,
);
