import { z } from 'zod';
import type { HplAnchor, Top500List } from '../planner/hpl.ts';
import { parseYaml } from './yaml-file.ts';

const PETA = 1e15;
const text = z.string().min(1);
const rmaxPetaflops = z.number().positive();

function schema(gpuNames: readonly string[]) {
  return z.strictObject({
    lists: z.array(
      z.strictObject({
        name: text,
        source: text,
        entries: z.array(
          z.strictObject({ rank: z.int().min(1).optional(), name: text, rmaxPetaflops, source: text.optional() }),
        ),
      }),
    ),
    anchors: z.array(
      z.strictObject({ name: text, gpuType: z.enum(gpuNames), gpus: z.int().min(1), rmaxPetaflops, source: text }),
    ),
  });
}

/** The lists clusters are compared with and the runs an estimate of Rmax is fitted on; `gpuNames` are the GPU types they may name. Throws ORR_BAD_FILE. */
export function parseTop500File(
  yaml: string,
  fileName: string,
  gpuNames: readonly string[],
): { lists: Top500List[]; anchors: HplAnchor[] } {
  const { lists, anchors } = parseYaml(yaml, fileName, schema(gpuNames));
  return {
    lists: lists.map(({ name, source, entries }) => ({
      name,
      entries: entries.map((entry) => ({
        rank: entry.rank ?? null,
        name: entry.name,
        rmaxFlops: entry.rmaxPetaflops * PETA,
        source: entry.source ?? source,
      })),
    })),
    anchors: anchors.map(({ name, gpuType, gpus, rmaxPetaflops: rmax, source }) => ({
      name,
      gpuType,
      gpus,
      rmaxFlops: rmax * PETA,
      source,
    })),
  };
}
