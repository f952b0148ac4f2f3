import { describe, expect, it } from 'vitest';
import type { Forecast } from '../../contract/api.ts';
import { forecastLines } from './forecast-lines.ts';

const NOW = 1_800_000_000;
const forecast = (fields: Partial<Forecast>): Forecast => ({
  id: 1,
  arrayJobId: null,
  arrayTaskId: null,
  lowTime: NOW + 60,
  medianTime: NOW + 120,
  highTime: NOW + 240,
  startedShare: 1,
  draws: 30,
  horizonTime: NOW + 604_800,
  sooner: [],
  historyJobs: 9,
  ...fields,
});
const lines = (fields: Partial<Forecast>) => forecastLines(forecast(fields), NOW * 1000).join(' ');

describe('when a job will start, in sentences', () => {
  it('gives the interval that eight of ten futures fall into', () => {
    expect(lines({})).toMatch(
      /^Forecast: it starts .*; in eight of ten futures between .* and .*, drawn from time limits/,
    );
  });

  it('gives no interval where all futures are the same', () => {
    const said = lines({ lowTime: NOW + 120, highTime: NOW + 120, historyJobs: 0 });
    expect(said).toMatch(/^Forecast: it starts \S+ \S+ \S+ \(in 2 m\), by time limits\.$/);
  });

  it('says nothing of a job that waits for a person', () => {
    expect(lines({ startedShare: 0, medianTime: null, draws: 0, horizonTime: null })).toBe('');
  });

  it('claims no more than there was time to find out', () => {
    expect(lines({ draws: 4 })).toMatch(/in 4 futures between .* and/);
    const one = { lowTime: NOW + 120, highTime: NOW + 120 };
    expect(lines({ ...one, draws: 1 })).toMatch(/\(in 2 m\) in the one future that there was time to draw/);
    const none = { lowTime: null, medianTime: null, highTime: null, startedShare: 0, horizonTime: NOW + 3600 };
    expect(lines({ ...none, draws: 1 })).toMatch(/does not start before .* \(in 60 m\) in the one future drawn from/);
    expect(
      lines({ lowTime: NOW + 60, medianTime: null, highTime: null, startedShare: 0.4, horizonTime: NOW + 3600 }),
    ).toMatch(/starts before .* in 40 % of 30 futures/);
  });
});
