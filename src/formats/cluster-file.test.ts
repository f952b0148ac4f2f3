import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { bisectionBytesPerSecond, expandNodes, totalsOf } from '../cluster/cluster.ts';
import { parseClusterFile, parseGpuFile } from './cluster-file.ts';
import { clusterYaml } from './cluster-text.ts';

const catalog = new URL('../../catalog/', import.meta.url);
const filesIn = (folder: string) =>
  readdirSync(new URL(folder, catalog)).map((file) => ({
    file,
    yaml: readFileSync(new URL(`${folder}${file}`, catalog), 'utf8'),
  }));

const gpuFiles = filesIn('gpus/');
const gpuTypes = new Map(gpuFiles.map(({ file, yaml }) => [file.replace('.yaml', ''), parseGpuFile(yaml, file)]));
const gpuNames = [...gpuTypes.keys()];
const clusterFiles = filesIn('clusters/');
const clusters = new Map(
  clusterFiles.map(({ file, yaml }) => [file.replace('.yaml', ''), parseClusterFile(yaml, file, gpuNames)]),
);
const named = (name: string) => clusters.get(name) ?? expect.unreachable(`no cluster ${name}`);

/** `nodes.count`, `storage[0].title`, ... */
function figurePaths(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => figurePaths(item, `${path}[${index}]`));
  if (typeof value !== 'object' || value === null) return typeof value === 'number' ? [path] : [];
  return Object.entries(value).flatMap(([key, inner]) => figurePaths(inner, path === '' ? key : `${path}.${key}`));
}

describe('the catalogue', () => {
  it('has the clusters of the reference', () => {
    expect([...clusters.keys()].sort()).toEqual([
      'cori',
      'local',
      'naver-superpod',
      'perlmutter',
      'rsc-phase1',
      'rsc-phase2',
      'selene',
    ]);
    for (const [name, cluster] of clusters) expect(cluster.name).toBe(name);
    for (const [name, gpuType] of gpuTypes) expect(gpuType.name).toBe(name);
  });

  it.each([...clusterFiles, ...gpuFiles].filter(({ file }) => file !== 'local.yaml'))(
    '$file gives every figure a source',
    ({ file, yaml }) => {
      const figures: Record<string, unknown> = parse(yaml);
      const { sources } = gpuNames.includes(file.replace('.yaml', ''))
        ? parseGpuFile(yaml, file)
        : parseClusterFile(yaml, file, gpuNames);
      const paths = figurePaths(figures);
      expect(paths.length).toBeGreaterThan(3);
      const isSourced = (path: string) =>
        Object.keys(sources).some(
          (known) => path === known || path.startsWith(`${known}.`) || path.startsWith(`${known}[`),
        );
      expect(paths.filter((path) => !isSourced(path))).toEqual([]);
      const isUsed = (source: string) =>
        [...paths, 'nodes.gpuType', 'fabric.title'].some((path) => path.startsWith(source));
      expect(Object.keys(sources).filter((source) => !isUsed(source))).toEqual([]);
    },
  );

  it.each([
    ['rsc-phase1', 760, 6080],
    ['rsc-phase2', 2000, 16_000],
    ['naver-superpod', 140, 1120],
    ['selene', 560, 4480],
    ['perlmutter', 1536, 6144],
    ['cori', 12_076, 0],
  ])('%s has %i nodes and %i GPUs', (name, nodes, gpus) => {
    expect(totalsOf(named(name), gpuTypes)).toMatchObject({ nodes, gpus });
  });

  it('takes the rate of failures from the file', () => {
    expect(named('rsc-phase1').failuresPerNodeDay).toBeCloseTo(6.5e-3, 12);
    expect(named('selene').failuresPerNodeDay).toBeNull();
  });

  it('adds up to the peaks that are published', () => {
    // 16,000 x 312 TFLOP/s: Meta says "nearly 5 exaflops of mixed precision compute".
    expect(totalsOf(named('rsc-phase2'), gpuTypes).gpuPeakFlops.bf16).toBeCloseTo(4.992e18, -15);
    // NERSC: 140 PFLOP/s on tensor cores for all 1,792 GPU nodes, of which these are 1,536.
    const perlmutter = totalsOf(named('perlmutter'), gpuTypes).gpuPeakFlops.fp64Tensor ?? 0;
    expect((perlmutter / 1e15 / 140) * (1792 / 1536)).toBeCloseTo(1, 2);
    // NERSC: 29.1 + 2.29 PFLOP/s, the latter for fewer Haswell nodes than there were in the end.
    expect((totalsOf(named('cori'), gpuTypes).cpuPeakFlops ?? 0) / 1e15).toBeCloseTo(31.9, 1);
  });
});

describe('bisection bandwidth', () => {
  const rsc = named('rsc-phase1');
  const fabric = rsc.fabric ?? expect.unreachable('no fabric');

  it('is that of half the nodes, over the oversubscription', () => {
    expect(bisectionBytesPerSecond(rsc)).toBe(380 * 8 * 25e9);
    expect(bisectionBytesPerSecond({ ...rsc, fabric: { ...fabric, oversubscription: 4 } })).toBe(380 * 2 * 25e9);
  });

  it('knows no oversubscription under one leaf', () => {
    const leaf = { ...fabric, leafNodes: 760, oversubscription: null };
    expect(bisectionBytesPerSecond({ ...rsc, fabric: leaf })).toBe(380 * 8 * 25e9);
  });

  it('is not known where a figure is missing', () => {
    expect(bisectionBytesPerSecond(named('local'))).toBeNull();
    expect(bisectionBytesPerSecond(named('perlmutter'))).toBeNull();
    expect(bisectionBytesPerSecond({ ...rsc, fabric: { ...fabric, oversubscription: null } })).toBeNull();
  });
});

describe('the nodes of a cluster', () => {
  const auto = { cpus: 2, memoryBytes: 4e9, gpus: 0 };

  it('are named, equipped and hung on leaves in order', () => {
    const nodes = expandNodes(named('rsc-phase2'), auto);
    expect(nodes).toHaveLength(2000);
    expect(nodes[0]).toEqual({
      name: 'dgx-0001',
      resources: { cpus: 128, memoryBytes: 1e12, gpus: 8 },
      gpuType: 'a100-80',
      leaf: 'leaf1',
    });
    expect(nodes[20]).toMatchObject({ name: 'dgx-0021', leaf: 'leaf2' });
    expect(new Set(nodes.map(({ leaf }) => leaf)).size).toBe(100);
    expect(new Set(nodes.map(({ name }) => name)).size).toBe(2000);
  });

  it('of this machine share what it has', () => {
    expect(expandNodes(named('local'), auto)).toEqual(
      ['n1', 'n2', 'n3'].map((name) => ({ name, resources: auto, gpuType: null, leaf: null })),
    );
  });

  it('of several kinds follow one another', () => {
    const nodes = expandNodes(named('cori'), auto);
    expect([nodes[9687]?.name, nodes[9688]?.name]).toEqual(['knl-9688', 'haswell-0001']);
  });
});

describe('a cluster file that is wrong', () => {
  const good = clusterFiles.find(({ file }) => file === 'rsc-phase1.yaml')?.yaml ?? '';
  it.each([
    [
      'gpusPerNode: 8',
      'gpusPerNode: eight',
      'rsc.yaml:9:3 nodes.gpusPerNode: expected an integer > 0 and <= 1000, got "eight"',
    ],
    ['count: 760', 'count: 0', 'rsc.yaml:6:3 nodes.count: expected an integer > 0 and <= 1000000, got 0'],
    [
      'gpuType: a100-80',
      'gpuType: h900',
      'rsc.yaml:10:3 nodes.gpuType: expected a GPU type of the catalogue (a100-40, a100-80, h100-80), got "h900"',
    ],
    ['leafNodes: 20', 'leafNode: 20', 'rsc.yaml:14:3 fabric.leafNode: unknown key; did you mean "leafNodes"?'],
    [
      'capacityPetabytes: 10',
      'capacityPetabytes: -10',
      'rsc.yaml:25:5 storage[2].capacityPetabytes: expected a number > 0, got -10',
    ],
  ])('%s for %s', (from, to, message) => {
    expect(() => parseClusterFile(good.replace(from, to), 'rsc.yaml', gpuNames)).toThrow(message);
  });
});

describe('nodes with names of their own', () => {
  const file = (nodes: string) => `name: mine\ntitle: mine\nnodes: {${nodes}}\n`;
  const parseNodes = (nodes: string) => parseClusterFile(file(nodes), 'mine.yaml', gpuNames);

  it('have the names of their host list, their leaf, and Slurm\u2019s word for their GPUs', () => {
    const cluster = parseNodes(
      "hosts: 'dgx[7-8]', leaf: leaf1, cpus: 4, memoryMebibytes: 3, gpusPerNode: 2, gresType: a100",
    );
    expect(expandNodes(cluster, { cpus: 1, memoryBytes: 1, gpus: 1 })).toEqual(
      ['dgx7', 'dgx8'].map((name) => ({
        name,
        resources: { cpus: 4, memoryBytes: 3 * 1024 ** 2, gpus: 2 },
        gpuType: 'a100',
        leaf: 'leaf1',
      })),
    );
    expect(totalsOf(cluster, gpuTypes)).toMatchObject({ nodes: 2, gpus: 4 });
  });

  it('keep their weights in the file that is made of them', () => {
    const auto = { cpus: 1, memoryBytes: 1, gpus: 1 };
    const light = expandNodes(parseNodes("hosts: 'dgx[7-8]', cpus: 4, memoryMebibytes: 3"), auto);
    const heavy = expandNodes(parseNodes("hosts: 'fat[1-2]', cpus: 4, memoryMebibytes: 3, weight: 30"), auto);
    expect(heavy.map(({ weight }) => weight)).toEqual([30, 30]);
    const made = clusterYaml('mine', 'mine', [...light, ...heavy]);
    expect(expandNodes(parseClusterFile(made, 'mine.yaml', gpuNames), auto)).toEqual([...light, ...heavy]);
  });

  it.each([
    ["hosts: 'dgx[7-8]', count: 2", /expected either hosts, or namePrefix and count/],
    ['namePrefix: n', /nodes\.count: missing/],
    ["hosts: 'dgx['", /expected a host list such as dgx\[001-064\]/],
    [
      'namePrefix: n, count: 1, memoryGigabytes: 1, memoryMebibytes: 1',
      /expected either memoryGigabytes or memoryMebibytes/,
    ],
  ])('are refused as %s', (nodes, message) => {
    expect(() => parseNodes(nodes)).toThrow(message);
  });
});
