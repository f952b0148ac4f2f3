import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

const PURE = ['lib', 'cluster', 'scheduler', 'inference', 'planner', 'twin'];

/** Room -> rooms it may import. A room in `types` may only be imported with `import type`. */
const RULES: Record<string, { values: string[]; types?: string[] }> = {
  lib: { values: [] },
  cluster: { values: ['lib'] },
  scheduler: { values: ['lib', 'cluster'] },
  inference: { values: ['lib'] },
  planner: { values: ['lib', 'cluster'] },
  twin: { values: ['lib', 'cluster', 'scheduler', 'planner'] },
  formats: { values: ['lib', 'contract'], types: ['cluster', 'planner', 'scheduler', 'twin'] },
  contract: { values: ['lib'], types: PURE },
  store: { values: ['lib', 'contract'], types: ['cluster', 'scheduler'] },
  backend: { values: ['lib', 'contract', 'formats', 'cluster', 'scheduler'], types: ['twin'] },
  health: { values: ['lib', 'contract'] },
  daemon: {
    values: ['lib', 'contract', 'formats', 'cluster', 'scheduler', 'inference', 'twin', 'store', 'backend', 'health'],
  },
  cli: {
    values: [
      'lib',
      'contract',
      'formats',
      'cluster',
      'scheduler',
      'inference',
      'planner',
      'twin',
      'store',
      'backend',
      'health',
      'daemon',
    ],
  },
};

interface ImportLine {
  file: string;
  room: string;
  specifier: string;
  isTypeOnly: boolean;
}

function isTestFile(file: string): boolean {
  return file.endsWith('.test.ts') || file.includes('.test-support') || file.includes('/test-support/');
}

function readImports(): { files: string[]; lines: ImportLine[] } {
  const files = globSync('src/**/*.ts', { cwd: root }).filter((file) => !isTestFile(file));
  const lines = files.flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8');
    const room = file.split('/')[1] ?? '';
    const found = [
      ...text.matchAll(
        /^(?:import|export)\s+(type\s)?[^;'"]*?from\s+'([^']+)'|\bimport\(\s*'([^']+)'\s*\)|^import\s+'([^']+)'/gm,
      ),
    ];
    return found.map((match): ImportLine => {
      return { file, room, specifier: match[2] ?? match[3] ?? match[4] ?? '', isTypeOnly: match[1] !== undefined };
    });
  });
  return { files, lines };
}

const { files, lines } = readImports();

function roomOf(line: ImportLine): string | undefined {
  // The package's own manifest belongs to no room.
  if (!line.specifier.startsWith('.') || line.specifier.endsWith('/package.json')) return undefined;
  const target = relative(join(root, 'src'), resolve(root, dirname(line.file), line.specifier));
  return target.startsWith('..') ? `outside src: ${target}` : target.split('/')[0];
}

describe('rooms import only what the table allows', () => {
  it('has read the whole tree', () => {
    expect(files.length).toBeGreaterThan(60);
    expect(lines.length).toBeGreaterThan(200);
    expect(new Set(files.map((file) => file.split('/')[1]))).toEqual(new Set(Object.keys(RULES)));
  });

  it('crosses no boundary', () => {
    const crossings = lines.filter((line) => {
      const target = roomOf(line);
      if (target === undefined || target === line.room) return false;
      const rule = RULES[line.room];
      return !(rule?.values.includes(target) || (line.isTypeOnly && rule?.types?.includes(target)));
    });
    expect(crossings.map((line) => `${line.file} -> ${line.specifier}`)).toEqual([]);
  });

  it('keeps packages and Node itself out of the pure rooms', () => {
    const impure = lines.filter((line) => PURE.includes(line.room) && !line.specifier.startsWith('.'));
    expect(impure.map((line) => `${line.file} -> ${line.specifier}`)).toEqual([]);
  });

  it('keeps SQL in the store', () => {
    const sql = lines.filter((line) => line.specifier === 'node:sqlite' && line.room !== 'store');
    expect(sql.map((line) => line.file)).toEqual([]);
  });
});
