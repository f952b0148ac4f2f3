import { errorCode } from '../../../lib/error-code.ts';
import { Gate } from '../../../lib/gate.ts';
import type { Log } from '../../port.ts';
import type { JobFolders } from '../../work-folder.ts';
import { JobFolder } from '../batch/job-folder.ts';
import type { MirrorState } from '../mirror/mirror-state.ts';

/** Folders that are closed at once: all tasks of an array may end together. */
const closing = new Gate(32);

/**
 * Leaves in the folder of a job that has ended what others still need of it: no secrets, and where a job waits for it the mark of its end. That the
 * mark is missing does no harm: the script of who waits gives up, and is submitted again by what the mirror says. Never rejects.
 */
export async function closeFolder(jobId: number, state: MirrorState, folders: JobFolders, log: Log): Promise<void> {
  const folder = new JobFolder(folders.job(jobId));
  const outcome = state.outcomes.get(jobId);
  // Of one that completed the script has left its own word.
  const isMarked = outcome !== undefined && outcome !== 'COMPLETED' && state.isAwaited(jobId);
  const done = await closing.run(() =>
    Promise.allSettled([folder.removeSecrets(), ...(isMarked ? [folder.markEnded(outcome)] : [])]),
  );
  for (const result of done) {
    // Slurm never had it: there is no folder.
    if (result.status === 'fulfilled' || errorCode(result.reason) === 'ENOENT') continue;
    log.error({ err: result.reason, jobId }, 'the folder of a job that has ended keeps its secrets, or lacks the mark');
  }
}
