import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { OrreryError } from '../contract/errors.ts';
import { identify } from './identify.ts';
import { writeLanguageModel } from './language-model.test-support.ts';

const folder = mkdtempSync(join(tmpdir(), 'orrery-identify-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const writeModel = (change?: (model: Record<string, unknown>) => void) => writeLanguageModel(folder, change);

async function refusal(modelFolder = folder): Promise<OrreryError> {
  const error = await identify({ texts: ['a'], modelFolder, top: 1 }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof OrreryError)) throw new Error(`expected an OrreryError, got ${String(error)}`);
  expect(error.message).not.toContain('\n');
  return error;
}

beforeEach(() => writeModel());

describe('identify', () => {
  it('gives the likeliest languages of each text', async () => {
    const results = await identify({ texts: ['aaa', 'AAA'], modelFolder: folder, top: 2 });
    expect(results.map(({ text }) => text)).toEqual(['aaa', 'AAA']);
    const [lower, upper] = results.map(({ languages }) => languages);
    expect(lower).toEqual(upper);
    expect(lower?.map(({ code }) => code).sort()).toEqual(['eng', 'kor']);
    expect(lower?.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 12);
  });

  it('says that there is no model where there is none', async () => {
    const error = await refusal(join(folder, 'elsewhere'));
    expect(error.code).toBe('ORR_NOT_FOUND');
    expect(error.message).toContain('model.json is missing');
  });

  it('refuses weights that are cut short', async () => {
    writeFileSync(join(folder, 'weights.bin'), readFileSync(join(folder, 'weights.bin')).subarray(1));
    expect(await refusal()).toMatchObject({ code: 'ORR_BAD_FILE', message: expect.stringContaining('SHA-256') });
  });

  it.each([
    { what: 'no JSON', write: () => writeFileSync(join(folder, 'model.json'), '{'), message: 'it is no JSON' },
    { what: 'another format', write: () => writeModel((model) => (model['format'] = 2)), message: 'format: ' },
    { what: 'no labels', write: () => writeModel((model) => (model['labels'] = [])), message: 'labels: ' },
    {
      what: 'a label too many',
      write: () =>
        writeModel((model) => {
          model['labels'] = ['a', 'b', 'c'].map((code) => ({ code, name: code, tag: code }));
        }),
      message: 'tensor weight: expected float32 of shape 3 x 4',
    },
  ])('refuses a description with $what', async ({ write, message }) => {
    write();
    expect(await refusal()).toMatchObject({ code: 'ORR_BAD_FILE', message: expect.stringContaining(message) });
  });
});
