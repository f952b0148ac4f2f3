import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { checkSlurm } from './doctor.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-doctor-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('tells a machine without Slurm from one whose commands find no cluster', async () => {
  expect(await checkSlurm({ PATH: folder })).toMatchObject({
    status: 'note',
    detail: expect.stringMatching(/^not found/),
  });
  // As sinfo ends where there is no slurm.conf.
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'sinfo'), '#!/bin/sh\nexit 1\n');
  chmodSync(join(bin, 'sinfo'), 0o755);
  expect(await checkSlurm({ PATH: bin })).toMatchObject({
    status: 'note',
    advice: expect.stringContaining('SLURM_CONF'),
  });
});
