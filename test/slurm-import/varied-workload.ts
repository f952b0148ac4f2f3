import type { SiteRun } from './record.ts';
import { Random } from '../../src/lib/random.ts';
import { drawsOf, type VariedPartition, type VariedSite } from './varied-site.ts';

/** An sbatch of a job that sleeps. */
export interface VariedJob {
  submitMs: number;
  /** Without the dependency and what it runs. */
  args: readonly string[];
  runSeconds: number;
  isFailing: boolean;
  /** Place in the list of the job it waits for. */
  after: { condition: 'afterok' | 'afterany'; index: number } | null;
  /** When somebody cancels it, since the first submission; null: nobody. */
  cancelMs: number | null;
  tasks: number;
}

/** Jobs of all kinds that are alike on any site. */
export function variedWorkload(site: VariedSite, plan: SiteRun): VariedJob[] {
  const random = new Random(plan.seed * 1000 + 29);
  const draw = drawsOf(random);
  const { from, chance, pick } = draw;
  const logUniform = (low: number, high: number) => low * (high / low) ** random.nextUniform();
  const weighted = <T extends { share: number }>(choices: readonly T[]): T => {
    let left = random.nextUniform() * choices.reduce((sum, { share }) => sum + share, 0);
    const found = choices.find(({ share }) => (left -= share) < 0) ?? choices[0];
    if (found === undefined) throw new Error('nothing to choose from');
    return found;
  };
  let submitMs = 0;
  const total = plan.before + plan.after;
  const drawn = Array.from({ length: total }, (_, index) => {
    const isBefore = index < plan.before;
    const gapSeconds = isBefore ? plan.beforeSeconds / plan.before : plan.afterSeconds / plan.after;
    submitMs += random.nextExponential(gapSeconds * 1000);
    const partition = weighted(site.partitions);
    const { user, account } = weighted(site.users);
    const shape = shapeOf(partition, site, draw);
    const tasks = chance(0.07) ? from(2, 5) : 1;
    return {
      submitMs: Math.round(submitMs),
      partition,
      shape,
      tasks,
      person: [`--uid=${user}`, `--account=${account}`],
      qos: weighted(site.qos).name,
      runSeconds: logUniform(12, 90),
      overestimate: logUniform(1.1, 4),
      hasLimit: chance(0.85),
      throttle: chance(0.5) ? '%2' : '',
      isFailing: chance(0.05),
      after:
        index > 4 && chance(0.07)
          ? { condition: pick('afterok' as const, 'afterany' as const), index: index - from(1, 4) }
          : null,
      cancelMs: chance(0.05) ? Math.round(submitMs + 1000 * from(5, 60)) : null,
      begin: chance(0.02) ? from(5, 40) : null,
      nice: chance(0.05) ? from(10, 500) : null,
    };
  });
  const nodes = site.options.nodes;
  const nodesOf = ({ partition, shape }: (typeof drawn)[number]) =>
    partition.isWhole ? Math.ceil(shape.nodeShare) : shape.nodeShare;
  const work = drawn.reduce((sum, job) => sum + nodesOf(job) * job.runSeconds * job.tasks, 0);
  const scale = (plan.workSeconds * nodes) / work;
  return drawn.map((job): VariedJob => {
    const runSeconds = Math.max(2, Math.round(job.runSeconds * scale * 100) / 100);
    const limit = Math.min(job.partition.maxMinutes, Math.ceil((runSeconds * job.overestimate) / 60));
    return {
      submitMs: job.submitMs,
      args: [
        ...job.person,
        `--qos=${job.qos}`,
        `--partition=${job.partition.name}`,
        ...job.shape.args,
        ...(job.hasLimit ? [`--time=${limit}`] : []),
        ...(job.tasks > 1 ? [`--array=0-${job.tasks - 1}${job.throttle}`] : []),
        ...(job.begin === null ? [] : [`--begin=now+${job.begin}`]),
        ...(job.nice === null ? [] : [`--nice=${job.nice}`]),
      ],
      runSeconds,
      isFailing: job.isFailing,
      after: job.after,
      cancelMs: job.cancelMs,
      tasks: job.tasks,
    };
  });
}

interface Shape {
  args: string[];
  /** Nodes, and parts of nodes. */
  nodeShare: number;
}

function shapeOf(
  partition: VariedPartition,
  site: VariedSite,
  { pick, from, chance }: ReturnType<typeof drawsOf>,
): Shape {
  const { cpus, gpus, gpuNodes, nodesMax, memoryMiB } = partition;
  const nodes = partition.last - partition.first + 1;
  const memory = (share: number) =>
    site.isMemoryAsked && chance(0.6) ? [`--mem=${Math.floor(memoryMiB * share * pick(0.3, 0.6, 0.9))}M`] : [];
  const severalOf = (most: number) => (chance(0.15) ? from(2, Math.max(2, Math.min(nodesMax, most))) : 1);
  if (gpus > 0 && chance((0.8 * gpuNodes) / nodes)) {
    const several = severalOf(gpuNodes);
    const isWhole = chance(0.1);
    const perNode = isWhole ? gpus : pick(1, 1, 1, 2, gpus / 2);
    const share = perNode / gpus;
    const cores = Math.max(1, Math.floor(cpus * share * pick(0.25, 0.5, 0.9)));
    const ask = chance(0.5) ? `--gpus-per-node=${perNode}` : `--gres=gpu:${perNode}`;
    return {
      args: [`-N${several}`, ask, '--ntasks-per-node=1', `-c${cores}`, ...memory(share)],
      nodeShare: several * share,
    };
  }
  const several = severalOf(nodes);
  if (chance(0.06)) return { args: [`-N${several}`, '--exclusive'], nodeShare: several };
  if (chance(0.25)) {
    const tasks = from(2, Math.floor(cpus * (chance(0.2) ? 1.5 : 0.5)));
    return { args: [`-n${tasks}`], nodeShare: tasks / cpus };
  }
  const share = pick(0.05, 0.1, 0.25, 0.25, 0.5, 0.9);
  const cores = Math.max(1, Math.floor(cpus * share));
  return { args: [`-N${several}`, '--ntasks-per-node=1', `-c${cores}`, ...memory(share)], nodeShare: several * share };
}
