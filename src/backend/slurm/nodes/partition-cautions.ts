import { type JobSpec, timeLimitMs } from '../../../contract/job.ts';
import type { LiftedLimit } from '../../../scheduler/qos-and-accounts.ts';
import type { PartitionPolicy } from '../../../scheduler/policy.ts';
import {
  type Entrant,
  excessMend,
  excessText,
  type PartitionExcess,
  partitionExcess,
} from '../../../scheduler/partition-limits.ts';
import type { SubmittedJob } from '../../port.ts';
import type { SlurmPartition } from '../output/scontrol-text.ts';
import { accountOf, qosOf } from './association-defaults.ts';
import { type ClusterView, partitionsOf } from './cluster-view.ts';

type Rules = Pick<
  ClusterView,
  | 'version'
  | 'partitions'
  | 'hasAccounting'
  | 'defaultAccount'
  | 'defaultQos'
  | 'enforcePartLimits'
  | 'mayBeRewritten'
  | 'qos'
  | 'qosLifts'
>;

/** What a partition that a job names makes of it; null: it lets it run. */
interface Found {
  partition: PartitionPolicy;
  asked: Entrant;
  excess: PartitionExcess | null;
}

/** Fields of a job that the limits are about. */
const FIELDS: Readonly<Record<PartitionExcess, string>> = {
  PartitionNodeLimit: 'nodes',
  PartitionTimeLimit: 'time',
  QOSNotAllowed: 'qos',
  AccountNotAllowed: 'account',
};

/**
 * Of jobs that Slurm takes and does not start: those that ask for what none of the partitions they name lets run, an array's tasks as one. With
 * `EnforcePartLimits` it takes no such job: `enforcedRefusal`.
 */
export function partitionCautions(jobs: readonly SubmittedJob[], rules: Rules): string[] {
  return jobs.flatMap(({ jobId, accepted: { spec } }, index) => {
    if (jobs[index - 1]?.accepted.spec === spec) return [];
    const found = excessesOf(spec, rules);
    const [first] = found;
    if (first === undefined || first.excess === null || found.some(({ excess }) => excess === null)) return [];
    const why = excessText(first.excess, first.partition, first.asked);
    return `Job ${jobId} does not start like this${doubtOf(spec, rules)}: ${why}. Submit it again ${excessMend(first.excess)}.`;
  });
}

function doubtOf(spec: JobSpec, rules: Rules): string {
  if (rules.mayBeRewritten === true) return ', unless a plugin of the site changes that';
  return areLiftsKnown(spec, rules) ? '' : ', unless its QOS lifts that';
}

/**
 * Why `sbatch` would refuse it for the limits of a partition (`EnforcePartLimits`), in one line with the way out; null where it would not, and where
 * that is not known: the QOS may lift them, or a plugin may send the job to another partition first.
 */
export function enforcedRefusal(spec: JobSpec, rules: Rules): string | null {
  const { enforcePartLimits = 'NO', mayBeRewritten = true } = rules;
  if (enforcePartLimits === 'NO' || mayBeRewritten || !areLiftsKnown(spec, rules)) return null;
  const found = excessesOf(spec, rules);
  const refusing = found.find(({ excess }) => excess !== null);
  const isTaken = found.some(({ excess }) => excess === null);
  if (refusing === undefined || refusing.excess === null || (isTaken && enforcePartLimits === 'ANY')) return null;
  const { excess, partition, asked } = refusing;
  const mend = isTaken
    ? `submit it without partition ${partition.name}, since all that it names have to take it`
    : `submit it ${excessMend(excess)}`;
  return `${FIELDS[excess]}: ${excessText(excess, partition, asked)} (EnforcePartLimits=${enforcePartLimits}): ${mend}`;
}

function excessesOf(spec: JobSpec, rules: Rules): Found[] {
  const account = accountOf(spec, rules);
  const qos = qosOf(spec, rules);
  const asked = {
    nodes: spec.nodes,
    timeLimitMs: timeLimitMs(spec),
    ...(qos !== null && { qos }),
    ...(account !== null && { account }),
  };
  return partitionsOf(rules, spec.partition).map((slurmPartition) => {
    const partition = policyOf(slurmPartition, asked, rules);
    // That of the partition itself may have the flags too.
    const names = [qos ?? '', slurmPartition.qos ?? ''];
    const lifts = names.flatMap((name): readonly LiftedLimit[] => rules.qosLifts?.[name] ?? []);
    return { partition, asked, excess: partitionExcess(partition, asked, lifts) };
  });
}

/** Rules on accounts and QOS mean something where there is accounting. Slurm after 22.05 lets accounts below those that are named in as well. */
function policyOf(partition: SlurmPartition, asked: Entrant, { qos, version }: Rules): PartitionPolicy {
  const { name, maxNodes = null, maxTimeSeconds, allowAccounts, denyAccounts, allowQos, denyQos } = partition;
  const goesByAccount = asked.account !== undefined && version.startsWith('22.05.');
  const goesByQos = asked.qos !== undefined && qos !== null;
  return {
    name,
    maxNodes,
    ...(maxTimeSeconds !== null && { maxTimeSeconds }),
    ...(goesByAccount && allowAccounts !== undefined && { allowAccounts }),
    ...(goesByAccount && denyAccounts !== undefined && { denyAccounts }),
    ...(goesByQos && allowQos !== undefined && { allowQos }),
    ...(goesByQos && denyQos !== undefined && { denyQos }),
  };
}

/** Which limits its QOS lifts an older view does not say, nor does accounting that is away. */
function areLiftsKnown(spec: JobSpec, rules: Rules): boolean {
  const { qos, qosLifts, hasAccounting } = rules;
  return qosLifts !== undefined && qosOf(spec, rules) !== null && (qos !== null || hasAccounting === false);
}
