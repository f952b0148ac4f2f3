import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageFolder } from '../package-folder.ts';
import { loadScenario, withLayer } from './load-scenario.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-scenarios-'));
  mkdirSync(join(folder, 'below'));
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
  write('base.yaml', 'cluster: rsc-phase1\ntrace: jobs.csv\nseed: 3\nset: {nodes: 10, bfMaxJobTest: 7}\n');
  write('below/variant.yaml', 'base: ../base.yaml\npolicy: ./p.yaml\nset: {nodes: 20}\n');
  write('loop.yaml', 'base: ./loop2.yaml\n');
  write('loop2.yaml', 'base: ./loop.yaml\n');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a scenario file', () => {
  it('takes over what its base says, with paths relative to where they stand', async () => {
    expect(await loadScenario(join(folder, 'below', 'variant.yaml'))).toEqual({
      title: 'variant',
      cluster: 'rsc-phase1',
      trace: join(folder, 'jobs.csv'),
      policy: join(folder, 'below', 'p.yaml'),
      seed: 3,
      set: { nodes: '20', bfMaxJobTest: '7' },
    });
  });

  it('must not be based on itself, and must exist', async () => {
    await expect(loadScenario(join(folder, 'loop.yaml'))).rejects.toThrow('not based on this one');
    await expect(loadScenario(join(folder, 'none.yaml'))).rejects.toThrow('no such file');
    await expect(loadScenario('nonesuch')).rejects.toThrow(/unknown scenario "nonesuch": known are .*rsc-1/);
  });

  it('has either a trace or a workload', () => {
    expect(withLayer({ trace: 't' }, { workload: 'w' })).toEqual({ workload: 'w' });
    expect(withLayer({ workload: 'w', days: 3 }, { trace: 't' })).toEqual({ trace: 't', days: 3 });
  });

  it('of the catalogue can be read, each with its own title', async () => {
    const names = readdirSync(join(packageFolder(), 'catalog', 'scenarios')).map((file) => file.replace('.yaml', ''));
    const titles = await Promise.all(names.map(async (name) => (await loadScenario(name)).title));
    expect(titles.length).toBeGreaterThanOrEqual(6);
    expect(new Set(titles).size).toBe(titles.length);
  });
});
