import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { OrreryError } from '../contract/errors.ts';
import { parseFailureFile } from './failure-file.ts';

const folder = new URL('../../catalog/failures/', import.meta.url);
const files = readdirSync(folder);
const read = (file: string) => readFileSync(new URL(file, folder), 'utf8');

const MINIMAL = `
name: two-causes
title: Two causes and no more
failuresPerThousandNodeDays: 5
components:
  gpu: {share: 0.75, severities: {high: 1}, replacementShare: 0.5}
  host: {share: 0.25, severities: {heartbeat: 0.5, job: 0.5}, replacementShare: 0}
detection: {checkIntervalSeconds: 300, epilogShare: 0.9, epilogSeconds: 10, heartbeatTimeoutSeconds: 300}
repair:
  reset: {medianHours: 1, logDeviation: 1}
  replacement: {medianHours: 24, logDeviation: 1}
`;

function errorOf(yaml: string): string {
  try {
    parseFailureFile(yaml, 'f.yaml');
  } catch (error) {
    if (error instanceof OrreryError && error.code === 'ORR_BAD_FILE') return error.message;
    throw error;
  }
  return 'no error';
}

describe('the catalogue of failure models', () => {
  it('has the published rates', () => {
    const rates = files.map((file) => {
      const { name, failuresPerThousandNodeDays } = parseFailureFile(read(file), file);
      return [name, failuresPerThousandNodeDays];
    });
    expect(Object.fromEntries(rates)).toEqual({ 'rsc-1': 6.5, 'rsc-2': 2.34, llama3: 3.79 });
    // 419 interruptions in 54 days on 2,048 nodes.
    expect(3.79).toBeCloseTo((419 / 54 / 2048) * 1000, 2);
  });

  it.each(files)('%s says where each of its figures comes from', (file) => {
    const { sources, ...model } = parseFailureFile(read(file), file);
    const given = Object.keys(sources);
    for (const field of ['failuresPerThousandNodeDays', 'components', 'repair', 'detection.checkIntervalSeconds']) {
      expect(given).toContain(field);
    }
    for (const field of ['lowSeverity', 'switchOutages', 'storageOutages', 'regimes']) {
      expect(given.includes(field)).toBe(new RegExp(`^${field}:`, 'm').test(read(file)));
    }
    expect(Object.values(model.components).reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
  });

  it('has NODE_FAIL for half of what hardware ends on RSC-1, as published', () => {
    const { components } = parseFailureFile(read('rsc-1.yaml'), 'rsc-1.yaml');
    const heartbeat = Object.values(components).reduce(
      (sum, { share, severities }) => sum + share * severities.heartbeat,
      0,
    );
    expect(heartbeat).toBeCloseTo(0.5, 2);
  });

  it('has the share of failures in lemons that follows from 14 % and 4 %', () => {
    const { lemons } = parseFailureFile(read('rsc-1.yaml'), 'rsc-1.yaml');
    expect(lemons.failureShare).toBeCloseTo(1 - Math.log(1 - 0.04) / Math.log(1 - 0.14), 2);
  });
});

describe('a failure file', () => {
  it('stands for what never happens where it leaves something out', () => {
    const model = parseFailureFile(MINIMAL, 'f.yaml');
    expect(model.components.pcie.share).toBe(0);
    expect(model.components.gpu.severities).toEqual({ high: 1, heartbeat: 0, job: 0 });
    expect(model.lemons).toEqual({ nodeShare: 0, failureShare: 0, cureShare: 0 });
    expect(model.falsePositives.perThousandNodeDays).toBe(0);
    expect(model.regimes).toEqual([]);
    expect(model.note).toBeNull();
  });

  it.each([
    ['high: 1', 'high: 0.9', 'f.yaml:6:22 components.gpu.severities: expected high, heartbeat and job to add up to 1'],
    ['share: 0.75', 'share: 0.8', 'f.yaml:5:1 components: expected shares of the components that add up to 1'],
    ['  host:', '  hose:', 'f.yaml:7:3 components.hose: unknown key; did you mean "host"?'],
    ['medianHours: 1,', 'medianHours: 0,', 'f.yaml:10:11 repair.reset.medianHours: expected a number > 0'],
    ['title:', 'tittle:', 'f.yaml:2:1 title: missing: expected a text that is not empty'],
    ['Days: 5', 'Days: -5', 'f.yaml:4:1 failuresPerThousandNodeDays: expected a number >= 0'],
  ])('%s written as %s gets one clear line', (right, wrong, message) => {
    expect(MINIMAL).toContain(right);
    const text = errorOf(MINIMAL.replace(right, wrong));
    expect(text).toContain(message);
    expect(text).not.toContain('\n');
  });

  it('refuses a regime that ends before it begins', () => {
    const text = errorOf(`${MINIMAL}regimes: [{component: gpu, fromDay: 5, toDay: 5, factor: 2}]\n`);
    expect(text).toContain('regimes[0].toDay: expected a day after fromDay');
  });
});
