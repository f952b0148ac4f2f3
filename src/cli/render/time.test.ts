import { describe, expect, it } from 'vitest';
import { formatTime } from './time.ts';

describe('formatTime', () => {
  it.each([
    [0.2, 'now'],
    [59, '59 s ago'],
    [600, '10 m ago'],
    [7_300, '2 h ago'],
    [400_000, '4 d ago'],
  ])('%d s later says %s', (seconds, ago) => {
    const text = formatTime(1_700_000_000, (1_700_000_000 + seconds) * 1000);
    const [date, time, zone] = text.split(' ');
    // The same instant, whatever zone the test runs in.
    expect(Date.parse(`${date}T${time}${zone}`)).toBe(1_700_000_000_000);
    expect(text.endsWith(`(${ago})`)).toBe(true);
  });
});
