import { parseDurationMs } from '../../../lib/units.ts';
import { partitionsOf } from '../nodes/cluster-view.ts';
import type { SlurmPartition } from '../output/scontrol-text.ts';
import type { SlurmCommands } from '../slurm-commands.ts';
import type { SlurmJob } from '../output/slurm-job.ts';
import { parseAssociationManager } from './association-manager.ts';
import { limitReason } from './limit-reason.ts';
import { limitSentences, type RunningJob } from './limit-sentences.ts';
import { type LimitedJob, reachedLimit } from './reached-limit.ts';

/** Somebody waits for it. */
const TIMEOUT_MS = 10_000;
const RUNNING = ['--noheader', '--states=RUNNING', '--Format'];
const COLUMNS = ['JobArrayID', 'UserName', 'Account', 'QOS', 'Partition', 'TimeLeft', 'tres-alloc'];

/** A job, with the reason that names the limit. */
export type LimitedSubmission = LimitedJob & Pick<SlurmJob, 'reason' | 'slurmJobId' | 'arrayJobId'>;

/**
 * What the limit is that keeps a pending job from starting, in sentences; null where its reason names none, or Slurm does not show this user enough
 * (`PrivateData`). It asks slurmctld, which has the limits in force and what it counts for them; accounting need not answer.
 */
export async function explainLimit(
  job: LimitedSubmission,
  commands: Pick<SlurmCommands, 'run'>,
  partitions: readonly SlurmPartition[],
): Promise<string[] | null> {
  const reason = limitReason(job.reason);
  if (reason === null) return null;
  const partitionQos = partitionsOf({ partitions }, job.partition).flatMap(({ qos }) => qos ?? []);
  const qos = [...new Set([job.qos, ...partitionQos])].filter((name) => name !== '');
  const show = ['show', 'assoc_mgr', `users=${job.user}`, `qos=${qos.join(',')}`, 'flags=assoc,qos'];
  const [manager, running] = await Promise.all([
    commands.run('scontrol', show, { timeoutMs: TIMEOUT_MS }).catch(() => ''),
    commands
      .run('squeue', [...RUNNING, COLUMNS.map((name) => `${name}:|`).join(',')], { timeoutMs: TIMEOUT_MS })
      .catch(() => ''),
  ]);
  const reached = reachedLimit(reason, job, parseAssociationManager(manager), partitionQos);
  if (reached === null) return null;
  const there = partitions.flatMap((one) => (one.qos === reached.holder.name ? [one.name] : []));
  return limitSentences(
    reached,
    { ...job, label: String(job.slurmJobId ?? job.arrayJobId) },
    parseRunning(running),
    reached.holder.kind === 'qos' ? there : [],
  );
}

/** Lines of `COLUMNS`; one that is not understood is left out. */
export function parseRunning(text: string): RunningJob[] {
  return text.split('\n').flatMap((line) => {
    const [label = '', user = '', account = '', qos = '', partition = '', left = '', tres] = line
      .split('|')
      .map((field) => field.trim());
    if (tres === undefined || !/^\d/.test(label)) return [];
    return [{ label, user, account, qos, partition, tres, leftMs: parseDurationMs(left) ?? null }];
  });
}
