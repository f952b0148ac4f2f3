/** What `orrery doctor` found of one thing. */
export interface Check {
  name: string;
  /** `note` is a fact without a fault: Orrery works without it. */
  status: 'ok' | 'note' | 'warning' | 'failed';
  detail: string;
  /** What to do about it. */
  advice: string | null;
}

/** Less free space than this is worth a warning: logs and checkpoints of jobs soon fill it. */
export const DISK_BYTES_COMFORTABLE = 2 * 1024 ** 3;
