/**
 * Of the workload that a test has a real Slurm run, the same each time: whatever a day draws, a failure is the code's. Another with
 * `ORRERY_WORKLOAD_SEED=N`.
 */
export const WORKLOAD_SEED = Number(process.env['ORRERY_WORKLOAD_SEED'] ?? 20_785);
