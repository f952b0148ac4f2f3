import { spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OutputFile } from './output-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-output-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('OutputFile', () => {
  it('keeps the older file until the new one is whole', async () => {
    const file = join(folder, 'out.csv');
    writeFileSync(file, 'older');
    const output = await OutputFile.begin('jobs-out', file);
    writeFileSync(output.path, 'half');
    expect(readFileSync(file, 'utf8')).toBe('older');
    await output.commit();
    expect(readFileSync(file, 'utf8')).toBe('half');
    output.discard();
    expect(readdirSync(folder)).toEqual(['out.csv']);
  });

  it('leaves nothing behind where the work failed', async () => {
    const output = await OutputFile.begin('report', join(folder, 'page.html'));
    writeFileSync(output.path, 'half');
    output.discard();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('leaves nothing behind where the process ends in the middle', () => {
    const module = new URL('output-file.ts', import.meta.url).href;
    const code = `const { OutputFile } = await import(${JSON.stringify(module)});
const { path } = await OutputFile.begin('report', 'page.html');
process.stdout.write(String((await import('node:fs')).existsSync(path)));
process.exit(130);`;
    const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '-e', code], { cwd: folder });
    expect([String(stdout), status]).toEqual(['true', 130]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('writes to where a link points, and straight to what is no file', async () => {
    mkdirSync(join(folder, 'inner'));
    writeFileSync(join(folder, 'inner', 'real.html'), 'older');
    symlinkSync(join('inner', 'real.html'), join(folder, 'link.html'));
    await (await OutputFile.begin('report', join(folder, 'link.html'))).write('newer');
    expect(readFileSync(join(folder, 'inner', 'real.html'), 'utf8')).toBe('newer');
    expect(lstatSync(join(folder, 'link.html')).isSymbolicLink()).toBe(true);
    await (await OutputFile.begin('report', '/dev/null')).write('gone');
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
  });

  it('refuses at once what could not be written', async () => {
    const file = join(folder, 'page.html');
    writeFileSync(file, '');
    for (const [place, reason] of [
      [join(folder, 'missing', 'page.html'), 'no such folder'],
      [folder, 'is a folder'],
      [join(file, 'x.html'), 'a part of the path is not a folder'],
    ] as const) {
      const begun = OutputFile.begin('report', place);
      await expect(begun).rejects.toMatchObject({ exitCode: 2, message: `report: cannot write ${place}: ${reason}` });
    }
    expect(existsSync(file)).toBe(true);
    expect(readdirSync(folder)).toEqual(['page.html']);
  });
});
