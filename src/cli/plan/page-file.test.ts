import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandText } from '../command-text.ts';
import { writePlanPage } from './page-file.ts';
import { makePlan, type PlanReport } from './plan.ts';
import { type PlanRequest, resolveRequest } from './request.ts';

const folder = mkdtempSync(join(tmpdir(), 'orrery-page-'));
let request: PlanRequest;
let report: PlanReport;

beforeAll(async () => {
  const options = { cluster: 'rsc-phase1', model: 'gpt3-125m', tokens: 1e9, gpus: 8, stack: 'megatron-2022' };
  request = await resolveRequest(options);
  report = await makePlan(request);
});
afterAll(() => rmSync(folder, { recursive: true }));

const write = (file: string) => writePlanPage(file, report, request, ['plan', '--report', file]);

describe('writePlanPage', () => {
  it('replaces an older page and leaves nothing else behind', async () => {
    const file = join(folder, 'plan.html');
    writeFileSync(file, 'older');
    await write(file);
    const page = readFileSync(file, 'utf8');
    expect(page).toMatch(/^<!doctype html>\n/);
    expect(page).toContain(`orrery plan --report ${file}`);
    expect(readdirSync(folder)).toEqual(['plan.html']);
  });

  it('refuses a path it cannot write in one line, with exit code 2', async () => {
    const inner = join(folder, 'a-folder');
    mkdirSync(inner);
    for (const [file, reason] of [
      [join(folder, 'missing', 'plan.html'), 'no such folder'],
      [inner, 'is a folder'],
      [join(folder, 'plan.html', 'x.html'), 'a part of the path is not a folder'],
    ] as const) {
      await expect(write(file)).rejects.toMatchObject({
        exitCode: 2,
        message: `report: cannot write ${file}: ${reason}`,
      });
    }
    expect(readdirSync(folder).toSorted()).toEqual(['a-folder', 'plan.html']);
  });
});

describe('commandText', () => {
  it('quotes what a shell would take apart', () => {
    expect(commandText(['plan', '--tokens', '1.4T', '--model', "my model's.json", ''])).toBe(
      String.raw`orrery plan --tokens 1.4T --model 'my model'\''s.json' ''`,
    );
  });
});
