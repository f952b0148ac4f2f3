import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { catalogueFile, catalogueNames } from './catalogue-file.ts';
import { packageFolder } from './package-folder.ts';

const KINDS = ['cluster', 'failure model', 'policy', 'scenario', 'workload'] as const;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-catalogue-'));
  mkdirSync(join(folder, 'mine'));
  for (const kind of KINDS) writeFileSync(join(folder, 'mine', `${kind}.yaml`), '');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(KINDS)('what %s means', (kind) => {
  it('is a file of the catalogue by its name, or the file at a path', () => {
    const [name = ''] = catalogueNames(kind);
    expect(catalogueFile(kind, name).startsWith(join(packageFolder(), 'catalog'))).toBe(true);
    expect(catalogueFile(kind, './mine.yaml', folder)).toBe(join(folder, 'mine.yaml'));
  });

  it('is not the folder that it is in: the line names the file', () => {
    for (const named of ['mine', './mine', join(folder, 'mine')]) {
      expect(() => catalogueFile(kind, named, folder)).toThrow(
        `${kind} ${JSON.stringify(named)} is a folder: give a file of it, such as ${join(named, `${kind}.yaml`)}`,
      );
    }
  });

  it('is refused with the names that there are', () => {
    expect(() => catalogueFile(kind, 'nonesuch', folder)).toThrow(
      `unknown ${kind} "nonesuch": known are ${catalogueNames(kind).join(', ')}; or give a path to a YAML file`,
    );
  });
});
