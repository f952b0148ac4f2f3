/**
 * Whom a job counts for, where it may run and which task of an array it is; what fair-share needs of jobs that have ended; reservations
 * among the records that a start reads.
 */
export const LIVE_POLICY_0002 = `
ALTER TABLE jobs ADD COLUMN user TEXT NOT NULL DEFAULT 'default';
ALTER TABLE jobs ADD COLUMN partition TEXT;
ALTER TABLE jobs ADD COLUMN array_id INTEGER;
ALTER TABLE jobs ADD COLUMN array_task_id INTEGER;
ALTER TABLE jobs ADD COLUMN cpus_per_node INTEGER NOT NULL DEFAULT 0;
UPDATE jobs SET cpus_per_node =
  (SELECT json_extract(body, '$.event.job.perNode.cpus') FROM journal WHERE seq = jobs.accepted_seq);
CREATE INDEX jobs_by_array ON jobs (array_id, array_task_id) WHERE array_id IS NOT NULL;
CREATE INDEX journal_reservations ON journal (seq) WHERE kind IN ('ReservationCreated', 'ReservationDeleted');
CREATE INDEX journal_starts ON journal (seq) WHERE kind = 'DaemonStarted';
CREATE INDEX attempts_by_end ON attempts (end_ms) WHERE end_ms IS NOT NULL;
`;
