import { errorCode } from '../../lib/error-code.ts';
import type { Log } from '../port.ts';
import type { JobFolders } from '../work-folder.ts';
import { JobFolder } from './job-folder.ts';
import type { MirrorState } from './mirror-state.ts';

/**
 * Leaves in the folder of a job that has ended what others still need of it: no secrets, and where a job waits for it the mark of its end. That the
 * mark is missing does no harm: the script of who waits gives up, and is submitted again by what the mirror says.
 */
export async function closeFolder(jobId: number, state: MirrorState, folders: JobFolders, log: Log): Promise<void> {
  const folder = new JobFolder(folders.job(jobId));
  const outcome = state.outcomes.get(jobId);
  if (outcome !== undefined && state.isAwaited(jobId)) {
    await folder.markEnded(outcome).catch((error: unknown) => {
      // Slurm never had it: nobody looks there.
      if (errorCode(error) === 'ENOENT') return;
      log.error(
        { err: error, jobId },
        'the end of a job is not marked in its folder; who waits for it may begin later',
      );
    });
  }
  await folder.removeSecrets();
}
