import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { STACKS } from '../planner/efficiency.ts';
import { parseRunsFile } from './runs-file.ts';

const KNOWN = { gpus: ['a100-80', 'h100-80'], stacks: STACKS };
const HEADER = 'name,gpu,gpus,layers,hidden,heads,ffn,global_batch,tp,pp,dp,recompute,measured_iteration_s';

function parse(...rows: string[]) {
  return parseRunsFile([HEADER, ...rows].join('\n'), 'runs.csv', KNOWN);
}

describe('parseRunsFile', () => {
  it('fills blanks and columns left out with defaults', () => {
    const [run] = parse(',a100-80,16,24,1024,16,,64,2,4,,,0.5');
    expect(run).toEqual({
      line: 2,
      name: 'line 2',
      source: 'runs.csv',
      gpu: 'a100-80',
      gpus: 16,
      gpusPerNode: 8,
      networkBytesPerSecondPerGpu: 25e9,
      nodesPerLeaf: Number.POSITIVE_INFINITY,
      shape: {
        layers: 24,
        hidden: 1024,
        heads: 16,
        kvHeads: 16,
        ffn: 4096,
        isGated: false,
        vocab: 51_200,
        positions: 'learned',
      },
      workload: { sequenceLength: 2048, globalBatch: 64 },
      microBatch: null,
      layout: {
        tp: 2,
        pp: 4,
        dp: 2,
        cp: 1,
        ep: 1,
        interleave: 1,
        recompute: 'none',
        sequenceParallel: false,
        zero: 0,
        offload: false,
      },
      stack: 'megatron-2022',
      precision: 'bf16',
      flopsConvention: 'sc21',
      measured: { iteration_s: 0.5 },
    });
  });

  it('takes an MLP that is not four times as wide for a gated one, unless told', () => {
    const [llama] = parse('a,a100-80,8,32,4096,32,11008,64,1,1,,full,1');
    expect(llama?.shape).toMatchObject({ isGated: true, positions: 'rotary' });
    const text = `${HEADER},gated\na,a100-80,8,32,4096,32,11008,64,1,1,,full,1,false`;
    expect(parseRunsFile(text, 'runs.csv', KNOWN)[0]?.shape).toMatchObject({ isGated: false, positions: 'learned' });
  });

  it.each([
    ['TRUE', true],
    ['1', true],
    ['yes', true],
    ['False', false],
    ['0', false],
    ['', false],
  ])('reads the flag %j as spreadsheets write it', (cell, isSet) => {
    const text = `${HEADER},sequence_parallel\na,a100-80,8,24,1024,16,,64,8,1,,,1,${cell}`;
    expect(parseRunsFile(text, 'runs.csv', KNOWN)[0]?.layout.sequenceParallel).toBe(isSet);
    const wrong = text.replace(/,[^,]*$/, ',maybe');
    expect(() => parseRunsFile(wrong, 'runs.csv', KNOWN)).toThrow(
      'runs.csv:2 sequence_parallel: expected true or false, got "maybe"',
    );
  });

  it("leaves columns of the user's own unread, and says so", () => {
    const warnings: string[] = [];
    const text = `${HEADER},remark of the lab,\na,a100-80,8,24,1024,16,,64,8,1,,,1,cold,`;
    const runs = parseRunsFile(text, 'runs.csv', { ...KNOWN, onWarning: (warning) => void warnings.push(warning) });
    expect(runs[0]?.measured).toEqual({ iteration_s: 1 });
    expect(warnings).toEqual(['runs.csv:1 column "remark of the lab" is not read']);
  });

  it('keeps several measurements of a row', () => {
    const text =
      'gpu,gpus,layers,hidden,heads,global_batch,measured_tflops_per_gpu,measured_peak_memory_GiB\nh100-80,1,2,64,2,8,120,33.5';
    expect(parseRunsFile(text, 'runs.csv', KNOWN)[0]?.measured).toEqual({ tflops_per_gpu: 120, peak_memory_GiB: 33.5 });
  });

  it.each([
    ['a,a100-80,16,24,1024,x,,64,1,1,,,1', 'heads: expected an integer > 0, got "x"'],
    ['a,a100-80,0,24,1024,16,,64,1,1,,,1', 'gpus: expected an integer > 0, got "0"'],
    ['a,a100-80,16,,1024,16,,64,1,1,,,1', 'layers: missing: expected an integer > 0'],
    ['a,v100,16,24,1024,16,,64,1,1,,,1', 'gpu: expected one of a100-80, h100-80, got "v100"'],
    ['a,,16,24,1024,16,,64,1,1,,,1', 'gpu: missing: expected one of a100-80, h100-80'],
    ['a,a100-80,16,24,1024,16,,64,1,1,,some,1', 'recompute: expected one of none, selective, full, got "some"'],
    ['a,a100-80,16,24,1024,16,,64,2,4,4,,1', 'gpus: expected tp x pp x dp x cp = 2 x 4 x 4 x 1 = 32, got 16'],
    ['a,a100-80,16,24,1000,16,,64,1,1,,,1', 'heads: expected a divisor of hidden 1000, got 16'],
    ['a,a100-80,24,24,1024,16,,64,3,1,,,1', 'tp: expected a divisor of heads 16, got 3'],
    ['a,a100-80,64,24,1024,16,,64,1,64,,,1', 'pp: expected at most layers 24, got 64'],
    ['a,a100-80,16,24,1024,16,,8,1,1,,,1', 'global_batch: expected at least dp = 16, got 8'],
    ['a,a100-80,16,24,1024,16,,64,1,1,,,-1', 'measured_iteration_s: expected a number > 0, got "-1"'],
    ['a,a100-80,16,24,1024,16,,64,1,1,,,1e999', 'measured_iteration_s: expected a number > 0, got "1e999"'],
    ['a,a100-80,16,24,1024,16,,64,1,1,,,', 'measured_iteration_s: expected at least one measurement in the row'],
  ])('refuses %s', (row, message) => {
    expect(() => parse(row)).toThrow(
      expect.objectContaining({ code: 'ORR_BAD_FILE', message: `runs.csv:2 ${message}` }),
    );
  });

  it('counts what else is wrong', () => {
    const rows = ['a,a100-80,16,x,1024,16,,64,1,1,,,1', 'a,a100-80,16,24,1024,16,,64,1,y,,z,1'];
    expect(() => parse(...rows)).toThrow('runs.csv:2 layers: expected an integer > 0, got "x" (and 2 more)');
  });

  it.each([
    ['gpu,gpus,layers,hidden,head,global_batch,measured_iteration_s', 'unknown column "head"; did you mean "heads"?'],
    ['gpu,gpus,gpus,layers,hidden,heads,global_batch,measured_iteration_s', 'column "gpus" twice'],
    ['gpu,gpus,layers,hidden,heads,measured_iteration_s', 'column "global_batch" missing'],
    [
      'gpu,gpus,layers,hidden,heads,global_batch',
      'expected a column of measurements: one of measured_iteration_s, measured_tflops_per_gpu, measured_tokens_per_s_per_gpu, measured_peak_memory_GiB',
    ],
    [HEADER, 'expected runs below the header, got none'],
  ])('refuses the header %s', (header, message) => {
    expect(() => parseRunsFile(header, 'runs.csv', KNOWN)).toThrow(
      expect.objectContaining({ code: 'ORR_BAD_FILE', message: `runs.csv:1 ${message}` }),
    );
  });

  it('reads every row of the published runs in the catalogue', () => {
    const folder = join(import.meta.dirname, '../../catalog/runs');
    const runs = readdirSync(folder).flatMap((file) => {
      const text = readFileSync(join(folder, file), 'utf8');
      const found = parseRunsFile(text, file, KNOWN);
      expect(found).toHaveLength(text.trim().split('\n').length - 1);
      return found;
    });
    expect(runs.length).toBeGreaterThan(500);
    expect(runs.every(({ source }) => !source.endsWith('.csv'))).toBe(true);
  });
});
