import { constants } from 'node:fs';
import { access, cp, mkdir, rename, rm } from 'node:fs/promises';
import { OrreryError } from '../contract/errors.ts';
import type { AcceptedJob } from '../contract/journal.ts';

/** Where the files of jobs are; all absolute. */
export interface JobFolders {
  /** `jobs/<id>`: everything of one job. */
  job: (jobId: number) => string;
  /** `snapshots/<digest>`: code as submitted. */
  snapshot: (digest: string) => string;
}

/** The folder the tasks of a job run in. */
export function workFolderOf(jobId: number, { code }: AcceptedJob, folders: JobFolders): string {
  return code !== null && code.snapshot === null ? code.submitFolder : `${folders.job(jobId)}/work`;
}

/**
 * Makes the folder the tasks run in: a copy of the code as submitted, made once and kept over attempts, so that a requeue runs
 * what was submitted and finds what earlier attempts wrote. Jobs that run in place need their submit folder to be there still.
 */
export async function prepareWorkFolder(
  { jobId, workFolder }: { jobId: number; workFolder: string },
  { code }: AcceptedJob,
  folders: JobFolders,
): Promise<void> {
  if (code !== null && code.snapshot === null) {
    await access(code.submitFolder, constants.X_OK).catch(() => {
      throw new OrreryError('ORR_FAILED', `the folder the job was submitted from is gone: ${code.submitFolder}`);
    });
    return;
  }
  if (await exists(workFolder)) return;
  await mkdir(folders.job(jobId), { recursive: true, mode: 0o700 });
  if (code === null || code.snapshot === null) {
    await mkdir(workFolder, { recursive: true });
    return;
  }
  const half = `${workFolder}.${process.pid}.partial`;
  await rm(half, { recursive: true, force: true });
  await cp(folders.snapshot(code.snapshot), half, {
    recursive: true,
    verbatimSymlinks: true,
    preserveTimestamps: true,
    mode: constants.COPYFILE_FICLONE,
  });
  await rename(half, workFolder);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
