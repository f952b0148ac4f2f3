import { Random } from '../../src/lib/random.ts';
import { PARTITIONS, USERS } from './site.ts';

/** A job of `sleep` as it is submitted to Slurm. */
export interface SiteJob {
  /** After the first submission. */
  submitMs: number;
  nodes: number;
  gpusPerNode: number;
  runSeconds: number;
  /** Slurm takes whole minutes. */
  limitMinutes: number;
  user: string;
  account: string;
  qos: string;
  partition: string;
}

export interface SiteWorkload {
  seed: number;
  jobs: number;
  /** Of these so many in so many seconds, the others in the seconds after that. */
  before: number;
  beforeSeconds: number;
  afterSeconds: number;
  /** Of the cluster, in seconds of all its GPUs. */
  workSeconds: number;
  gpus: number;
}

/** GPUs of a job that shares its node, each as likely. */
const PARTS = [1, 1, 1, 1, 2, 2, 4];

/** Poisson arrivals; most jobs take part of a node, the others whole ones. Made-up figures that give queues in every partition. */
export function siteWorkload(plan: SiteWorkload): SiteJob[] {
  const { seed, jobs, before, beforeSeconds, afterSeconds, workSeconds, gpus } = plan;
  const random = new Random(seed);
  const logUniform = (low: number, high: number) => low * (high / low) ** random.nextUniform();
  let submitMs = 0;
  const drawn = Array.from({ length: jobs }, (_, index) => {
    const partition = pick<(typeof PARTITIONS)[number]>(PARTITIONS, random.nextUniform());
    const isPart = partition.nodesMax === 1 || random.nextUniform() < 0.9;
    const nodes = isPart ? 1 : Math.max(1, Math.round(logUniform(1, partition.nodesMax)));
    const gpusPerNode = isPart ? (PARTS[Math.floor(random.nextUniform() * PARTS.length)] ?? 1) : 8;
    const runSeconds = logUniform(20, 60);
    const overestimate = logUniform(1.1, 3);
    const person = USERS[Math.floor(random.nextUniform() * USERS.length)] ?? USERS[0];
    const qos = random.nextUniform() < 0.25 ? 'high' : 'normal';
    submitMs += random.nextExponential(index < before ? beforeSeconds / before : afterSeconds / (jobs - before)) * 1000;
    return { submitMs, nodes, gpusPerNode, runSeconds, overestimate, ...person, qos, partition: partition.name };
  });
  const work = drawn.reduce((sum, job) => sum + job.nodes * job.gpusPerNode * job.runSeconds, 0);
  const scale = (workSeconds * gpus) / work;
  return drawn.map(({ overestimate, ...job }) => {
    // Whole seconds would all end within milliseconds of a pass, and those decide then who is in time for it.
    const runSeconds = Math.round(job.runSeconds * scale * 100) / 100;
    const limitMinutes = Math.min(10, Math.ceil((runSeconds * overestimate) / 60 + 0.1));
    return { ...job, submitMs: Math.round(job.submitMs), runSeconds, limitMinutes };
  });
}

function pick<T extends { share: number }>(choices: readonly [T, ...T[]], uniform: number): T {
  let left = uniform * choices.reduce((sum, { share }) => sum + share, 0);
  for (const choice of choices) {
    left -= choice.share;
    if (left < 0) return choice;
  }
  return choices[0];
}
