import { describe, expect, it } from 'vitest';
import { easyStarts, meanWait } from './leaky-easy.ts';
import { ALEA, CQSIM } from './peers.ts';
import { readTraceRows, TRACE_NODES, traceFolder } from './trace.ts';
import { easyJobs, runTrace } from './trace-run.ts';

const folder = traceFolder() ?? '';
const where = folder === '' ? ' (skipped: no traces; set ORRERY_DATA)' : '';

describe.skipIf(folder === '')(`EASY beside other simulators${where}`, () => {
  it('waits as in Alea, within 3 %, where requested times are the true ones', () => {
    const { meanWaitSeconds } = runTrace(readTraceRows(folder, 'x10k'));
    expect(Math.abs(meanWaitSeconds / (ALEA.meanWaitSeconds['x10k'] ?? 0) - 1)).toBeLessThan(0.03);
  });

  it('starts every job exactly when the naive EASY does, by requested times', () => {
    const rows = readTraceRows(folder, 's10k');
    const naive = easyStarts(easyJobs(rows), TRACE_NODES, ({ limit }) => limit);
    expect(runTrace(rows).starts).toEqual(naive);
  });

  it('comes to what CQSim says, within 3 %, once candidates are judged by their true run times', () => {
    const jobs = easyJobs(readTraceRows(folder, 's10k'));
    const leaky = meanWait(
      jobs,
      easyStarts(jobs, TRACE_NODES, ({ run }) => run),
    );
    expect(Math.abs(leaky / (CQSIM.meanWaitSeconds['s10k'] ?? 0) - 1)).toBeLessThan(0.03);
  });
});
