import { describe, expect, it } from 'vitest';
import { parseBeginMs } from './begin-time.ts';

const NOW_MS = new Date(2026, 10, 26, 15, 30, 0).getTime();
const local = (...parts: [number, number, number, number?, number?, number?]) => new Date(...parts).getTime();

describe('when a job may begin', () => {
  it.each([
    ['now', NOW_MS],
    ['now+60', NOW_MS + 60_000],
    ['now+2hours', NOW_MS + 7_200_000],
    ['now+1hour', NOW_MS + 3_600_000],
    ['now+90m', NOW_MS + 5_400_000],
    ['NOW+3days', NOW_MS + 259_200_000],
    ['16:00', local(2026, 10, 26, 16)],
    ['15:30', NOW_MS],
    ['08:05:09', local(2026, 10, 27, 8, 5, 9)],
    ['noon', local(2026, 10, 27, 12)],
    ['midnight', local(2026, 10, 27)],
    ['today', local(2026, 10, 26)],
    ['tomorrow', local(2026, 10, 27)],
    ['2027-01-31', local(2027, 0, 31)],
    ['2027-01-31T08:15', local(2027, 0, 31, 8, 15)],
    ['2027-01-31T08:15:30Z', Date.UTC(2027, 0, 31, 8, 15, 30)],
    ['2027-01-31T08:15+02:00', Date.UTC(2027, 0, 31, 6, 15)],
    ['2027-01-31T08:15-05:30', Date.UTC(2027, 0, 31, 13, 45)],
  ])('%s', (text, expected) => {
    expect(parseBeginMs(text, NOW_MS)).toBe(expected);
  });

  it.each([
    '',
    'soon',
    'now-60',
    'now+2fortnights',
    '24:00',
    '12:60',
    '2027-02-30',
    '2027-13-01',
    '2027-01-01T25:00',
    '2027-01-01T08:00+15:00',
  ])('refuses %j', (text) => {
    expect(parseBeginMs(text, NOW_MS)).toBeUndefined();
  });
});
