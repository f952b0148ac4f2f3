/** Why an attempt ended, in one line: the same words whichever backend it ran on. */
export const END_MESSAGES = {
  CANCELLED: 'cancelled',
  TIMEOUT: 'reached its time limit',
  NODE_FAIL: 'one of its nodes failed',
  REQUEUE: 'requeued on request',
  PREEMPTED: 'preempted by a job that may',
  OUT_OF_MEMORY: 'ran out of memory',
  HANG: 'hung: no output and no metrics for as long as it allows',
} as const;
