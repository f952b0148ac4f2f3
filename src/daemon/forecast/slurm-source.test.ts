import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SlurmCommands } from '../../backend/slurm/slurm-commands.ts';
import { lists, SlurmSource } from './slurm-source.ts';

let folder: string;
let source: SlurmSource;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-source-'));
  // All of Slurm's programs: squeue prints what it finds in a file, and each call leaves a line.
  const script = `#!/bin/sh\necho "\${0##*/}" >> ${folder}/calls\nif [ "\${0##*/}" = squeue ]; then cat ${folder}/queue; else echo something; fi\n`;
  for (const name of ['squeue', 'scontrol', 'sacct', 'sacctmgr', 'sshare', 'sinfo']) {
    writeFileSync(join(folder, name), script);
    chmodSync(join(folder, name), 0o755);
  }
  source = new SlurmSource(
    new SlurmCommands({ host: null, socketFolder: null, env: { PATH: `${folder}:/usr/bin:/bin` }, timeoutMs: 20_000 }),
  );
});
afterEach(() => rmSync(folder, { recursive: true }));

const HEADER = 'JOBID|STATE|PARTITION|NODES|TIME|TIME_LIMIT|SUBMIT_TIME|NODELIST|';
const queue = (...ids: string[]) =>
  writeFileSync(
    join(folder, 'queue'),
    [HEADER, ...ids.map((id) => `${id}|PENDING|main|1|0:00|1:00|2026-01-01T00:00:00||`), ''].join('\n'),
  );
const looks = () =>
  readFileSync(join(folder, 'calls'), 'utf8')
    .split('\n')
    .filter((name) => name === 'squeue').length;

describe('the cluster that forecasts go by', () => {
  it('is collected once for questions that come together, and anew for a job that was submitted since', async () => {
    queue('7', '12');
    await source.read('7');
    await source.read('12');
    expect(looks()).toBe(1);
    queue('7', '12', '13');
    const [read] = await Promise.all([source.read('13'), source.read('7'), source.read('13')]);
    expect(read.kind === 'slurm' && read.saved.squeue?.text).toContain('\n13|');
    expect(looks()).toBe(2);
  });
});

it.each([
  ['12', '12|PENDING', true],
  ['12_3', '12_[0-9%2]|PENDING', true],
  ['12_3', '12_3|RUNNING', true],
  ['12', '112|PENDING\n120|PENDING\n1|x 12|', false],
])('%s is in the table %j: %s', (job, table, isThere) => {
  expect(lists(table, job)).toBe(isThere);
});
