import { readFileSync } from 'node:fs';
import type { NodeSpec } from '../cluster/node.ts';
import { parseFailureFile } from '../formats/failure-file.ts';
import type { FailureModel } from './failure-model.ts';
import { createIncidents, type FailureSource } from './failures.ts';
import type { Incident } from './types.ts';

export const DAY_MS = 86_400_000;

/** Twenty nodes a leaf, as on RSC. */
export function fleet(count: number): NodeSpec[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `n${index + 1}`,
    resources: { cpus: 128, memoryBytes: 1e12, gpus: 8 },
    gpuType: 'a100-80',
    leaf: `leaf${Math.floor(index / 20) + 1}`,
  }));
}

export function catalogModel(name: string): FailureModel {
  const file = new URL(`../../catalog/failures/${name}.yaml`, import.meta.url);
  return parseFailureFile(readFileSync(file, 'utf8'), `${name}.yaml`);
}

/** The model with failures of single nodes alone, all alike. */
export function plain(model: FailureModel): FailureModel {
  return {
    ...model,
    lowSeverity: { ...model.lowSeverity, perThousandNodeDays: 0 },
    falsePositives: { ...model.falsePositives, perThousandNodeDays: 0 },
    lemons: { nodeShare: 0, failureShare: 0, cureShare: 0 },
    regimes: [],
    switchOutages: { ...model.switchOutages, perThousandLeafDays: 0 },
    storageOutages: { ...model.storageOutages, perThousandDays: 0 },
  };
}

export function drain(source: FailureSource): Incident[] {
  const incidents: Incident[] = [];
  for (let incident = source.next(); incident !== null; incident = source.next()) incidents.push(incident);
  return incidents;
}

export function incidentsOf(model: FailureModel, nodes: number, days: number, seed: number): Incident[] {
  return drain(createIncidents(model, fleet(nodes), { seed, untilMs: days * DAY_MS }));
}

/** What counts for r_f: of one node, and ends its jobs. */
export function endsJobs({ nodeIndices, severity }: Incident): boolean {
  return nodeIndices.length === 1 && severity !== 'low';
}

/** Leaves out what hits nodes in repair, as the engine does; gives the node-days in service too. */
export function inService(
  incidents: readonly Incident[],
  nodes: number,
  days: number,
): { kept: Incident[]; nodeDays: number } {
  const backMs = new Float64Array(nodes);
  let outMs = 0;
  const kept = incidents.filter(({ nodeIndices, atMs, detectedMs, repairMs }) => {
    const [nodeIndex = 0] = nodeIndices;
    if (atMs < (backMs[nodeIndex] ?? 0)) return false;
    backMs[nodeIndex] = detectedMs + repairMs;
    outMs += repairMs;
    return true;
  });
  return { kept, nodeDays: nodes * days - outMs / DAY_MS };
}
