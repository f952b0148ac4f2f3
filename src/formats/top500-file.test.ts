import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { estimateHpl, fitHpl, standingIn } from '../planner/hpl.ts';
import { parseClusterFile, parseGpuFile } from './cluster-file.ts';
import { parseTop500File } from './top500-file.ts';

const catalog = new URL('../../catalog/', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, catalog), 'utf8');
const gpuTypes = new Map(
  readdirSync(new URL('gpus/', catalog)).map((file) => {
    const gpu = parseGpuFile(read(`gpus/${file}`), file);
    return [gpu.name, gpu] as const;
  }),
);
const gpuNames = [...gpuTypes.keys()];
const yaml = read('top500.yaml');
const { lists, anchors } = parseTop500File(yaml, 'top500.yaml', gpuNames);
const fit = fitHpl(anchors, gpuTypes);
const cluster = (name: string) => parseClusterFile(read(`clusters/${name}.yaml`), `${name}.yaml`, gpuNames);
const estimate = (name: string) =>
  estimateHpl(cluster(name), gpuTypes, fit) ?? expect.unreachable(`no estimate of ${name}`);
const list = (name: string) => lists.find((each) => each.name === name) ?? expect.unreachable(`no list ${name}`);

describe('the lists', () => {
  it('are in the order of Rmax and of rank', () => {
    expect(lists.map(({ name }) => name)).toEqual(['November 2020', 'November 2021']);
    for (const { entries } of lists) {
      const rmax = entries.map(({ rmaxFlops }) => rmaxFlops);
      expect(rmax).toEqual(rmax.toSorted((a, b) => b - a));
      const ranks = entries.flatMap(({ rank }) => rank ?? []);
      expect(ranks.slice(0, 10)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
      expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
    }
  });

  it('agree with the runs in the cluster files', () => {
    for (const [listName, entry, file] of [
      ['November 2020', 'Selene', 'selene'],
      ['November 2021', 'Perlmutter', 'perlmutter'],
      ['November 2020', 'Cori', 'cori'],
    ] as const) {
      const listed = list(listName).entries.find(({ name }) => name === entry);
      expect(listed?.rmaxFlops).toBe(cluster(file).hpl?.rmaxFlops);
    }
  });

  it('name only GPU types there are', () => {
    const wrong = yaml.replace('gpuType: a100-40', 'gpuType: a100-20');
    expect(() => parseTop500File(wrong, 'top500.yaml', gpuNames)).toThrow(
      /^top500\.yaml:\d+:\d+ anchors\[0\]\.gpuType: /,
    );
  });
});

describe('the estimate of Rmax', () => {
  it('is within 10 % of every anchor that was held out of its fit', () => {
    expect(fit.heldOut).toHaveLength(6);
    for (const { errorPercent } of fit.heldOut) expect(Math.abs(errorPercent)).toBeLessThan(10);
    expect(fit.low).toBeLessThan(1);
    expect(fit.high).toBeGreaterThan(1);
  });

  it('puts the NAVER SuperPOD about where the press did, and RSC about at twice Perlmutter and more', () => {
    const naver = estimate('naver-superpod');
    expect(naver.lowFlops).toBeLessThan(13.79e15);
    expect(naver.highFlops).toBeGreaterThan(13.79e15);
    expect(estimate('rsc-phase2').rmaxFlops / estimate('rsc-phase1').rmaxFlops).toBeCloseTo(16_000 / 6080, 9);
    expect(estimate('rsc-phase2').rmaxFlops).toBeGreaterThan(220e15);
  });

  it('says so, and is wider, for a GPU type without an anchor', () => {
    const hopper = { ...cluster('rsc-phase1') };
    hopper.nodeTypes = hopper.nodeTypes.map((nodeType) => ({ ...nodeType, gpuType: 'h100-80' }));
    const estimated = estimateHpl(hopper, gpuTypes, fit);
    expect(estimated?.isExtrapolated).toBe(true);
    expect((estimated?.highFlops ?? 0) / (estimated?.rmaxFlops ?? 1)).toBeCloseTo(fit.high ** 2, 9);
  });

  it('is none where there are no GPUs', () => {
    expect(estimateHpl(cluster('cori'), gpuTypes, fit)).toBeNull();
  });

  it('never says more than the peak', () => {
    expect(fit.share * fit.high).toBeLessThan(1);
  });
});

describe('the standing in a list', () => {
  it('is between what is faster and slower than all of the range', () => {
    const standing = standingIn(list('November 2021'), 12e15, 16e15);
    expect(standing.above?.name).toBe('HiPerGator AI');
    expect(standing.level.map(({ name }) => name)).toEqual(['Cori', 'Nurion']);
    expect(standing.below?.name).toBe('Tethys');
  });

  it('has nothing above the first and nothing below the last', () => {
    expect(standingIn(list('November 2021'), 500e15, 600e15)).toMatchObject({ above: null, level: [] });
    expect(standingIn(list('November 2021'), 1e12, 2e12)).toMatchObject({ below: null, level: [] });
  });
});
