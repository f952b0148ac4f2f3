import type { Log } from '../../port.ts';
import type { JobFolders } from '../../work-folder.ts';
import { ended } from '../mirror/attempt-facts.ts';
import type { MirrorJob } from '../mirror/mirror-job.ts';
import type { MirrorState } from '../mirror/mirror-state.ts';
import { closeFolder } from './ended-folder.ts';

/** Of these jobs ends those that were cancelled and that Slurm does not have: sbatch is called for them no more. Rejects where the journal does. */
export async function endUnsubmitted(
  jobs: readonly MirrorJob[],
  { state, folders, now, log }: { state: MirrorState; folders: JobFolders; now: () => number; log: Log },
): Promise<void> {
  const over = await state.exclusively(async () => {
    const due = jobs.filter((job) => {
      return job.phase === 'none' && job.isCancelRequested && state.jobs.get(job.request.jobId) === job;
    });
    await state.commit(due.map((job) => ended(job, 'CANCELLED', 1, now())));
    return due;
  });
  await Promise.all(over.map(({ request }) => closeFolder(request.jobId, state, folders, log)));
}
