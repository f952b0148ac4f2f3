/** What `orrery doctor` found of one thing. */
export interface Check {
  name: string;
  /** `note` is a fact without a fault: Orrery works without it. */
  status: 'ok' | 'note' | 'warning' | 'failed';
  detail: string;
  /** What to do about it. */
  advice: string | null;
}
