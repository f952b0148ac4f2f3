import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDuration, formatMemory, parseDurationMs, parseMemoryBytes } from './units.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

describe('parseDurationMs', () => {
  it.each([
    // Slurm's forms, as `man sbatch` lists them under --time.
    ['30', 30 * MINUTE],
    ['30:15', 30 * MINUTE + 15_000],
    ['2:30:15', 2 * HOUR + 30 * MINUTE + 15_000],
    ['1-12', DAY + 12 * HOUR],
    ['1-12:30', DAY + 12 * HOUR + 30 * MINUTE],
    ['1-12:30:15', DAY + 12 * HOUR + 30 * MINUTE + 15_000],
    ['90s', 90_000],
    ['1.5s', 1500],
    ['30m', 30 * MINUTE],
    ['1h30m', HOUR + 30 * MINUTE],
    ['9w', 63 * DAY],
    ['0', 0],
  ])('%s', (text, milliseconds) => {
    expect(parseDurationMs(text)).toBe(milliseconds);
  });

  it.each(['', '-5m', '-5', 'soon', '5x', '1:2:3:4', '1-', 'h', '3m2h'])('refuses %j', (text) => {
    expect(parseDurationMs(text)).toBeUndefined();
  });

  it('reads back what formatDuration prints', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 400 * 86_400 }), (seconds) => {
        expect(parseDurationMs(formatDuration(seconds * 1000))).toBe(seconds * 1000);
      }),
    );
  });
});

describe('parseMemoryBytes', () => {
  it.each([
    ['2G', 2 * 1024 ** 3],
    ['2GB', 2 * 1024 ** 3],
    ['2GiB', 2 * 1024 ** 3],
    ['1.5g', 1.5 * 1024 ** 3],
    ['512M', 512 * 1024 ** 2],
    ['100', 100 * 1024 ** 2],
    ['1T', 1024 ** 4],
  ])('%s', (text, bytes) => {
    expect(parseMemoryBytes(text)).toBe(bytes);
  });

  it.each(['', '-1G', 'lots', '2X', 'G', '9999999999T'])('refuses %j', (text) => {
    expect(parseMemoryBytes(text)).toBeUndefined();
  });

  it('is printed short', () => {
    expect([0, 1536, 512 * 1024 ** 2, 1.5 * 1024 ** 3].map(formatMemory)).toEqual(['0B', '1.5K', '512M', '1.5G']);
  });
});
