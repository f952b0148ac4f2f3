const SECONDS_PER_DAY = 86_400;

/**
 * Failures a node and day where a cluster file gives none: the rate of RSC-1, 16,000 A100 GPUs in DGX-like nodes (Kokolis et al., HPCA 2025,
 * arXiv 2410.21680). RSC-2 saw 2.34 per 1,000 node-days, the training of Llama 3 3.8.
 */
export const FAILURES_PER_NODE_DAY_DEFAULT = 6.5e-3;

/** From a failure to the first new step where nothing is given: in the middle of the 5 to 20 minutes of Kokolis et al. */
export const RESTART_SECONDS_DEFAULT = 600;

/**
 * Mean time to failure of a job that any of its nodes can end: 1 / (N r_f) (Kokolis et al., HPCA 2025). Infinity where nothing fails.
 */
export function mttfSeconds(nodes: number, failuresPerNodeDay: number): number {
  return SECONDS_PER_DAY / (nodes * failuresPerNodeDay);
}

/** All in seconds. */
export interface Interruptions {
  mttfSeconds: number;
  /** From the failure to the first new step, when nodes are there: detection, start, reading the checkpoint. The paper's u0. */
  restartSeconds: number;
  /** Waiting for nodes before it, in which nothing can fail. The paper's q. */
  waitSeconds: number;
  /** Training between the end of one checkpoint and the begin of the next. */
  checkpointIntervalSeconds: number;
  /** Training stands still while a checkpoint is written. */
  checkpointWriteSeconds: number;
}

/**
 * Expected effective training time ratio of a long run: training that counts over all time. With failures that come at random at the rate 1/M,
 * an interval T with its checkpoint of w takes (M + q) e^(u0/M) (e^((T+w)/M) - 1) in the mean, and T of it count (Daly, FGCS 22, 2006, equation 13
 * for q = 0; Bougeret et al., SC'11, with q). To first order and with w = 0 it is (1 - (u0 + T/2)/M) / (1 + q/M), the estimate of Kokolis et al. (HPCA 2025).
 */
export function expectedEttr(interruptions: Interruptions): number {
  const { restartSeconds, waitSeconds, checkpointIntervalSeconds, checkpointWriteSeconds } = interruptions;
  const mttf = interruptions.mttfSeconds;
  const segment = checkpointIntervalSeconds + checkpointWriteSeconds;
  if (mttf === Infinity) return checkpointIntervalSeconds / segment;
  const expected = (mttf + waitSeconds) * Math.exp(restartSeconds / mttf) * Math.expm1(segment / mttf);
  return checkpointIntervalSeconds / expected;
}
