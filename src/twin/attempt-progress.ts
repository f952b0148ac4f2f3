import type { Checkpointing } from './types.ts';

/** How far an attempt has come. Milliseconds of productive time since its start. */
export interface Progress {
  doneMs: number;
  /** Of it what a later attempt need not do again. */
  savedMs: number;
}

/**
 * How long the tasks of an attempt run if nothing interferes: restart, work, and between two stretches of work the stall of a blocking
 * checkpoint. No checkpoint is written when the work is done.
 */
export function attemptMs(workMs: number, checkpointing: Checkpointing | null): number {
  if (checkpointing === null) return workMs;
  const { restartMs, isBlocking, writeMs } = checkpointing;
  return restartMs + workMs + (isBlocking ? writesBefore(workMs, checkpointing) * writeMs : 0);
}

/** Of a job that is so long on its nodes if nothing interferes: one that is over as soon as it is ready has no time to write a checkpoint. */
export function checkpointingWithin(elapsedMs: number, checkpointing: Checkpointing | null): Checkpointing | null {
  return checkpointing !== null && elapsedMs > 2 * checkpointing.restartMs ? checkpointing : null;
}

/** What is left of an undisturbed job's time on its nodes for the work itself. */
export function workWithin(elapsedMs: number, checkpointing: Checkpointing | null): number {
  if (checkpointing === null) return elapsedMs;
  const { intervalMs, writeMs, isBlocking, restartMs } = checkpointing;
  return (elapsedMs - restartMs) * (isBlocking ? intervalMs / (intervalMs + writeMs) : 1);
}

/**
 * Sets in `progress` how far an attempt with so much work before it has come, so long after its tasks began to run. A checkpoint counts once
 * its write is done; without checkpoints nothing is ever saved.
 */
export function setProgress(
  progress: Progress,
  elapsedMs: number,
  workMs: number,
  checkpointing: Checkpointing | null,
): void {
  progress.savedMs = 0;
  if (checkpointing === null) {
    progress.doneMs = Math.min(elapsedMs, workMs);
    return;
  }
  const { intervalMs, writeMs, isBlocking, restartMs } = checkpointing;
  const trainedMs = Math.max(0, elapsedMs - restartMs);
  const writesMax = writesBefore(workMs, checkpointing);
  progress.doneMs = Math.min(workMs, trainedMs);
  if (writesMax === 0) return;
  if (isBlocking) {
    const cycleMs = intervalMs + writeMs;
    const writes = Math.min(writesMax, Math.floor(trainedMs / cycleMs));
    const sinceWriteMs = trainedMs - writes * cycleMs;
    // While the next write stalls it, nothing is done; the last stretch is followed by none.
    const stretchMs = writes < writesMax ? Math.min(sinceWriteMs, intervalMs) : sinceWriteMs;
    progress.doneMs = Math.min(workMs, writes * intervalMs + stretchMs);
    progress.savedMs = writes * intervalMs;
    return;
  }
  const writes = Math.min(writesMax, Math.max(0, Math.floor((trainedMs - writeMs) / intervalMs)));
  progress.savedMs = writes * intervalMs;
}

/** How many checkpoints begin before the work is done. */
function writesBefore(workMs: number, { intervalMs }: Checkpointing): number {
  return Math.max(0, Math.ceil(workMs / intervalMs) - 1);
}
