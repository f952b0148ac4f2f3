import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OrreryError } from '../contract/errors.ts';
import { parsePolicyFile } from './policy-file.ts';
import { parseSlurmConf } from './slurm-conf.ts';
import { readTrace } from './trace-file.ts';

/** Beginnings that lead into each reader, then whatever comes. */
const BEGINNINGS = [
  '; MaxNodes: 4\n',
  '1 0 -1 60 1 -1 -1 1 60 -1 1 1 1 1 1 1 -1 -1\n',
  'JobID|State|Submit|ElapsedRaw|NNodes|Timelimit|AllocTRES\n',
  '{"jobs": [{"job_id": 1, "time": {"submission": 5}},',
  '{"jobs": [',
  'timestamp,duration,num_gpus,gpu_time,cluster\n',
  'name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time\n',
  'job,submit_s,nodes,gpus_per_node,runtime_s,limit_s,after\n',
];
const PIECES = [
  ['1', '0', '-1', '60', '1e3', '9999999999999999999', 'NaN', '0x10', '.', '-', '+', 'a', 'é', '\0'],
  [' ', ',', '|', '\n', '\r\n', '"', '""', ';', ':', '=', '\t', '{', '}', '[', ']'],
  ['2026-01-31T10:00:00', '00:10:00', 'COMPLETED', 'PENDING', '12_[4-9]', 'gres/gpu=8', 'afterok:1'],
  ['"state": "COMPLETED"'],
].flat();
const text = fc.array(fc.constantFrom(...PIECES), { maxLength: 60 }).map((pieces) => pieces.join(''));

/** What a reader gives, or null where it refuses in one line. Anything else it throws is thrown on. */
function orRefused<Value>(read: () => Value): Value | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof OrreryError && !error.message.includes('\n')) return null;
    throw error;
  }
}

describe('whatever a trace holds', () => {
  it('each record is a row that can run, is told as bad, or is skipped', () => {
    fc.assert(
      fc.property(fc.constantFrom(...BEGINNINGS), text, (beginning, rest) => {
        const reading = orRefused(() => readTrace(beginning + rest, 'x'));
        if (reading === null) return;
        const { rows, bad, counts } = reading;
        const skipped = [...counts.skipped.values()].reduce((sum, count) => sum + count, 0);
        expect(rows.length + bad.length + skipped).toBe(counts.records);
        expect([...counts.byReason.values()].reduce((sum, count) => sum + count, 0)).toBe(bad.length);
        const lines = (beginning + rest).split('\n').length;
        for (const { line } of [...rows, ...bad]) expect(line >= 1 && line <= lines).toBe(true);
        let submitMs = 0;
        for (const row of rows) {
          expect(row.submitMs).toBeGreaterThanOrEqual(submitMs);
          submitMs = row.submitMs;
          expect(row.runMs).toBeGreaterThan(0);
          expect(row.limitMs ?? 1).toBeGreaterThan(0);
          expect(Number.isInteger(row.nodes) && row.nodes >= 1).toBe(true);
          expect(Number.isInteger(row.gpusPerNode ?? 0)).toBe(true);
        }
        expect(new Set(rows.map(({ job }) => job)).size).toBe(rows.length);
      }),
      { numRuns: 3000 },
    );
  });
});

const CONF = [
  ['NodeName=', 'PartitionName=', 'Nodes=', 'Gres=', 'CPUs=', 'MaxTime=', 'SchedulerParameters=', 'PreemptMode='],
  ['Include ', 'n[1-4]', 'n1', 'DEFAULT', 'ALL', 'gpu:a100:8', '8', 'bf_interval=5', 'REQUEUE'],
  [',', ' ', '\n', '\\\n', '#', '"', '[', ']'],
].flat();

describe('whatever a configuration holds', () => {
  it('is read, or refused in one line', () => {
    const pieces = fc.array(fc.constantFrom(...CONF), { maxLength: 40 }).map((list) => list.join(''));
    fc.assert(
      fc.property(pieces, (conf) => {
        const texts = { conf: { name: 'slurm.conf', text: `NodeName=m[1-2]\n${conf}` } };
        const nodes = orRefused(() => parseSlurmConf(texts).nodes) ?? ['m1', 'm2'];
        orRefused(() => parsePolicyFile(conf, 'p.yaml'));
        expect(nodes.length).toBeGreaterThanOrEqual(2);
      }),
      { numRuns: 2000 },
    );
  });
});
