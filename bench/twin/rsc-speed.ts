import { type MeasuredCommand, measureCommand } from './measured-command.ts';

/** The two clusters as they are published: 16,000 and 8,000 GPUs. */
const RUNS = [
  { workload: 'rsc-1', settings: [] },
  { workload: 'rsc-2', settings: ['--set', 'nodes=1000'] },
] as const;

export interface RscSpeed extends Omit<MeasuredCommand, 'stdout'> {
  workload: string;
  gpus: number;
  jobs: number;
  utilization: number;
  stateHash: string;
}

/** Failures, health checks, preemption, fair-share and checkpoints are all in it: what the workload brings along. */
export async function measureRsc(days: number): Promise<RscSpeed[]> {
  const measured: RscSpeed[] = [];
  for (const { workload, settings } of RUNS) {
    const args = ['sim', '--cluster', 'rsc-phase2', '--workload', workload, '--days', String(days), ...settings];
    const { stdout, ...taken } = await measureCommand([...args, '--json']);
    const { inputs, summary, report } = JSON.parse(stdout);
    measured.push({
      ...taken,
      workload,
      gpus: inputs.gpus,
      jobs: summary.jobsEnded,
      utilization: report.predictions.utilization,
      stateHash: summary.stateHash,
    });
  }
  return measured;
}
