import type { PriorityParts, ShareView } from '../../../scheduler/types.ts';
import type { MirrorState } from '../mirror/mirror-state.ts';
import { parseSprio, parseSshare, SPRIO_FORMAT } from '../output/priority-text.ts';
import type { SlurmCommands } from '../slurm-commands.ts';

/** Parts of the priorities of those of these jobs that wait at Slurm; none where Slurm goes by age alone. Throws SlurmFailure. */
export async function prioritiesOf(
  jobIds: readonly number[],
  { jobs }: Pick<MirrorState, 'jobs'>,
  commands: Pick<SlurmCommands, 'run'>,
): Promise<ReadonlyMap<number, PriorityParts>> {
  const text = await commands.run('sprio', ['--noheader', `--format=${SPRIO_FORMAT}`]).catch((error: unknown) => {
    // With priority/basic there are no parts.
    if (error instanceof Error && error.message.includes('supported priority plugin')) return '';
    throw error;
  });
  const bySlurmId = parseSprio(text);
  return new Map(
    jobIds.flatMap((jobId) => {
      const job = jobs.get(jobId);
      const parts = bySlurmId.get(job?.record.slurmJobId ?? job?.slurm?.arrayJobId ?? 0);
      return parts === undefined ? [] : [[jobId, parts] as const];
    }),
  );
}

/** Users in their accounts by what they were promised and had. Throws SlurmFailure. */
export async function sharesOf(commands: Pick<SlurmCommands, 'run'>): Promise<ShareView[]> {
  return parseSshare(await commands.run('sshare', ['-alP']));
}
