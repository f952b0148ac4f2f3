import { z } from 'zod';
import type { Cluster, GpuType } from '../cluster/cluster.ts';
import { GPUS_PER_NODE_MAX, NODES_MAX, parseHostList } from './host-list.ts';
import { parseYaml } from './yaml-file.ts';

const GIGA = 1e9;
const TERA = 1e12;
const PETA = 1e15;
const MEBI = 1024 ** 2;

const positive = z.number().positive();
const text = z.string().min(1);
const sources = z.record(text, text).default({});

const gpuFile = z.strictObject({
  name: text,
  title: text,
  memoryGigabytes: positive,
  memoryGigabytesPerSecond: positive.optional(),
  peakTeraflops: z.strictObject({
    fp64: positive.optional(),
    fp64Tensor: positive.optional(),
    fp32: positive.optional(),
    tf32: positive.optional(),
    bf16: positive.optional(),
    fp16: positive.optional(),
  }),
  nvlinkGigabytesPerSecond: positive.optional(),
  streamingMultiprocessors: z.int().min(1).optional(),
  powerWattsMax: positive.optional(),
  sources,
});

/** A GPU type from its YAML file. Throws ORR_BAD_FILE. */
export function parseGpuFile(yaml: string, fileName: string): GpuType {
  const gpu = parseYaml(yaml, fileName, gpuFile);
  const peaks = Object.entries(gpu.peakTeraflops).map(([precision, teraflops = 0]) => [precision, teraflops * TERA]);
  return {
    name: gpu.name,
    title: gpu.title,
    memoryBytes: gpu.memoryGigabytes * GIGA,
    memoryBytesPerSecond: scaled(gpu.memoryGigabytesPerSecond, GIGA),
    peakFlops: Object.fromEntries(peaks),
    nvlinkBytesPerSecond: scaled(gpu.nvlinkGigabytesPerSecond, GIGA),
    streamingMultiprocessors: gpu.streamingMultiprocessors ?? null,
    powerWattsMax: gpu.powerWattsMax ?? null,
    sources: gpu.sources,
  };
}

function nodeTypeSchema(gpuNames: readonly string[]) {
  const known = gpuNames.join(', ');
  const gpuType = z.string().refine((name) => gpuNames.includes(name), {
    error: (issue) => `expected a GPU type of the catalogue (${known}), got ${JSON.stringify(issue.input)}`,
  });
  const fields = z.strictObject({
    namePrefix: z
      .string()
      .regex(/^[A-Za-z][A-Za-z0-9-]*$/, 'expected letters, digits and hyphens, a letter first')
      .optional(),
    count: z.int().min(1).max(NODES_MAX).optional(),
    /** In the place of both: names as a host list. */
    hosts: z
      .string()
      .refine((list) => parseHostList(list, NODES_MAX) !== undefined, 'expected a host list such as dgx[001-064]')
      .optional(),
    leaf: text.optional(),
    weight: z.int().min(0).optional(),
    gresType: text.optional(),
    memoryMebibytes: z.int().min(1).optional(),
    /** What the machine at hand has, shared out: for those of the three figures below that are not given. */
    resources: z.literal('auto').optional(),
    cpus: z.int().min(1).optional(),
    memoryGigabytes: positive.optional(),
    gpusPerNode: z.int().min(1).max(GPUS_PER_NODE_MAX).optional(),
    gpuType: gpuType.optional(),
    cpuPeakTeraflops: positive.optional(),
    localStorageTerabytes: positive.optional(),
    powerWattsMax: positive.optional(),
  });
  return fields.superRefine(({ namePrefix, count, hosts, memoryGigabytes, memoryMebibytes }, context) => {
    const refuse = (field: string, message: string) => context.addIssue({ code: 'custom', path: [field], message });
    if (hosts === undefined) {
      if (namePrefix === undefined) refuse('namePrefix', 'missing: expected namePrefix and count, or hosts');
      else if (count === undefined) refuse('count', 'missing: expected namePrefix and count, or hosts');
    } else if (namePrefix !== undefined || count !== undefined) {
      refuse('hosts', 'expected either hosts, or namePrefix and count');
    }
    if (memoryGigabytes !== undefined && memoryMebibytes !== undefined)
      refuse('memoryMebibytes', 'expected either memoryGigabytes or memoryMebibytes');
  });
}

function clusterSchema(gpuNames: readonly string[]) {
  const nodeType = nodeTypeSchema(gpuNames);
  return z.strictObject({
    name: z.string().regex(/^[a-z0-9][a-z0-9-]*$/, 'expected lower-case letters, digits and hyphens'),
    title: text,
    note: text.optional(),
    nodes: nodeType,
    otherNodes: z.array(nodeType).default([]),
    fabric: z
      .strictObject({
        title: text,
        leafNodes: z.int().min(1).optional(),
        linksPerNode: z.int().min(1).optional(),
        linkGigabitsPerSecond: positive.optional(),
        oversubscription: z.number().min(1).optional(),
      })
      .optional(),
    storage: z
      .array(
        z.strictObject({
          title: text,
          capacityPetabytes: positive.optional(),
          gigabytesPerSecond: positive.optional(),
        }),
      )
      .default([]),
    powerKilowatts: positive.optional(),
    failuresPerThousandNodeDays: z.number().nonnegative().optional(),
    hpl: z.strictObject({ list: text, rmaxPetaflops: positive, rpeakPetaflops: positive.optional() }).optional(),
    sources,
  });
}

/** A cluster from its YAML file; `gpuNames` are the GPU types it may name. Throws ORR_BAD_FILE. */
export function parseClusterFile(yaml: string, fileName: string, gpuNames: readonly string[]): Cluster {
  const file = parseYaml(yaml, fileName, clusterSchema(gpuNames));
  const { fabric, hpl } = file;
  return {
    name: file.name,
    title: file.title,
    note: file.note ?? null,
    nodeTypes: [file.nodes, ...file.otherNodes].map((nodes) => ({
      ...namesOf(nodes),
      ...(nodes.leaf !== undefined && { leaf: nodes.leaf }),
      ...(nodes.weight !== undefined && { weight: nodes.weight }),
      ...(nodes.gresType !== undefined && { gresType: nodes.gresType }),
      cpus: nodes.cpus ?? nodes.resources ?? null,
      memoryBytes:
        scaled(nodes.memoryGigabytes, GIGA) ?? scaled(nodes.memoryMebibytes, MEBI) ?? nodes.resources ?? null,
      gpusPerNode: nodes.gpusPerNode ?? nodes.resources ?? 0,
      gpuType: nodes.gpuType ?? null,
      cpuPeakFlops: scaled(nodes.cpuPeakTeraflops, TERA),
      localStorageBytes: scaled(nodes.localStorageTerabytes, TERA),
      powerWattsMax: nodes.powerWattsMax ?? null,
    })),
    fabric: fabric
      ? {
          title: fabric.title,
          leafNodes: fabric.leafNodes ?? null,
          linksPerNode: fabric.linksPerNode ?? null,
          linkBytesPerSecond: scaled(fabric.linkGigabitsPerSecond, GIGA / 8),
          oversubscription: fabric.oversubscription ?? null,
        }
      : null,
    storage: file.storage.map(({ title, capacityPetabytes, gigabytesPerSecond }) => ({
      title,
      capacityBytes: scaled(capacityPetabytes, PETA),
      bytesPerSecond: scaled(gigabytesPerSecond, GIGA),
    })),
    powerWatts: scaled(file.powerKilowatts, 1000),
    failuresPerNodeDay: scaled(file.failuresPerThousandNodeDays, 1e-3),
    hpl: hpl
      ? { list: hpl.list, rmaxFlops: hpl.rmaxPetaflops * PETA, rpeakFlops: scaled(hpl.rpeakPetaflops, PETA) }
      : null,
    sources: file.sources,
  };
}

function namesOf({
  namePrefix = '',
  count = 0,
  hosts,
}: {
  namePrefix?: string | undefined;
  count?: number | undefined;
  hosts?: string | undefined;
}) {
  const names = hosts === undefined ? undefined : parseHostList(hosts, NODES_MAX);
  return names === undefined ? { namePrefix, count } : { namePrefix, count: names.length, names };
}

function scaled(figure: number | undefined, factor: number): number | null {
  return figure === undefined ? null : figure * factor;
}
