import type { TraceRow } from '../../twin/trace-row.ts';

/**
 * Slurm's books have GPUs only where `AccountingStorageTRES` names them, which it does not by default: without, every job of the past seems to have
 * asked for none. In one line; null where some did, or there are no jobs or no GPUs.
 */
export function unbookedGpus(gpus: number, rows: readonly Pick<TraceRow, 'gpusPerNode'>[]): string | null {
  if (gpus === 0 || rows.length === 0 || rows.some(({ gpusPerNode }) => gpusPerNode !== 0)) return null;
  return 'jobs of the past: sacct tells no GPUs of any, so they run without in the twin: it does where slurm.conf has AccountingStorageTRES=gres/gpu, of jobs that come after that';
}
