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
    expect(lines({ startedShare: 0, medianTime: null })).toBe('');
  });
});
