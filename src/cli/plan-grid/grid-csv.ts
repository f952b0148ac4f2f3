import type { GridReport } from './grid-report.ts';
import type { RankedCase } from './pareto-front.ts';

type Field = string | number | boolean | null | undefined;

const COLUMNS: readonly (readonly [name: string, of: (one: RankedCase) => Field])[] = [
  ['model', ({ model }) => model],
  ['cluster', ({ cluster }) => cluster],
  ['gpus', ({ gpus }) => gpus],
  ['nodes', ({ nodes }) => nodes],
  ['tokens', ({ tokens }) => tokens],
  ['seq', ({ sequenceLength }) => sequenceLength],
  ['global_batch', ({ globalBatch }) => globalBatch],
  ['outcome', ({ outcome }) => OUTCOMES[outcome]],
  ['why', ({ why }) => why],
  ['tp', ({ best }) => best?.parallelism.tp],
  ['pp', ({ best }) => best?.parallelism.pp],
  ['dp', ({ best }) => best?.parallelism.dp],
  ['cp', ({ best }) => best?.parallelism.cp],
  ['ep', ({ best }) => best?.parallelism.ep],
  ['micro_batch', ({ best }) => best?.parallelism.microBatch],
  ['interleave', ({ best }) => best?.parallelism.interleave],
  ['recompute', ({ best }) => best?.parallelism.recompute],
  ['sequence_parallel', ({ best }) => best?.parallelism.sequenceParallel],
  ['zero', ({ best }) => best?.parallelism.zero],
  ['offload', ({ best }) => best?.parallelism.offload],
  ['iteration_s', ({ best }) => best?.iterationSeconds],
  ['iteration_low_s', ({ best }) => best?.iterationSecondsInterval[0]],
  ['iteration_high_s', ({ best }) => best?.iterationSecondsInterval[1]],
  ['mfu', ({ best }) => best?.mfu],
  ['memory_bytes_per_gpu', ({ best }) => best?.memoryBytesPerGpu],
  ['days', ({ best }) => best?.days],
  ['expected_days', ({ best }) => best?.expectedDays],
  ['expected_days_low', ({ best }) => best?.expectedDaysInterval[0]],
  ['expected_days_high', ({ best }) => best?.expectedDaysInterval[1]],
  ['gpu_hours', ({ best }) => best?.gpuHours],
  ['energy_kwh', ({ best }) => best?.energyKwh],
  ['cost', ({ best }) => best?.cost],
  ['on_front', ({ isOnFront }) => isOnFront],
];

const OUTCOMES: Readonly<Record<RankedCase['outcome'], string>> = {
  planned: 'planned',
  doesNotFit: 'does_not_fit',
  noLayout: 'no_layout',
  tooLate: 'too_late',
};

/** One line a case under a header (RFC 4180); what a case does not have is blank. */
export function gridCsv({ works }: GridReport): string {
  const rows = works.flatMap(({ cases }) => cases.map((one) => COLUMNS.map(([, of]) => fieldText(of(one)))));
  return [COLUMNS.map(([name]) => name), ...rows].map((fields) => `${fields.join(',')}\n`).join('');
}

function fieldText(field: Field): string {
  const text = String(field ?? '');
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
