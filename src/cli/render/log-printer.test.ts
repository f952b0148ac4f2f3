import { describe, expect, it } from 'vitest';
import type { LogChunk } from '../../contract/api.ts';
import { createLogPrinter } from './log-printer.ts';

function chunk(rank: number, text: string, more: Partial<LogChunk> = {}): LogChunk {
  return { attempt: 1, rank, stream: 'stdout', offset: 0, text, ...more };
}

function printed(
  isLabelled: boolean,
  chunks: readonly LogChunk[],
): { stdout: string; stderr: string; notes: string[] } {
  const out = { stdout: '', stderr: '', notes: [] as string[] };
  const printer = createLogPrinter(isLabelled, {
    stdout: (text) => void (out.stdout += text),
    stderr: (text) => void (out.stderr += text),
    note: (text) => void out.notes.push(text),
  });
  for (const one of chunks) printer.push(one);
  printer.close();
  return out;
}

describe('createLogPrinter', () => {
  it('passes the output of a single rank through untouched', () => {
    expect(printed(false, [chunk(0, 'a\r'), chunk(0, 'b'), chunk(0, 'oops\n', { stream: 'stderr' })])).toEqual({
      stdout: 'a\rb',
      stderr: 'oops\n',
      notes: [],
    });
  });

  it('labels whole lines of several ranks, however they were cut into chunks', () => {
    expect(printed(true, [chunk(0, 'one\ntw'), chunk(1, 'eins\n'), chunk(0, 'o\nthree')]).stdout).toBe(
      '0: one\n1: eins\n0: two\n0: three\n',
    );
  });

  it('says where the next attempt begins, after the last words of the one before', () => {
    const { stdout, notes } = printed(true, [chunk(0, 'cut off'), chunk(0, 'again\n', { attempt: 2 })]);
    expect(stdout).toBe('0: cut off\n0: again\n');
    expect(notes).toEqual(['--- attempt 2 ---']);
  });
});
