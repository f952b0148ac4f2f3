/**
 * `journal` is the truth; `jobs` and `attempts` are read models kept in the same transaction. Times are milliseconds since the epoch.
 * An environment is stored once however many jobs share it.
 */
export const JOURNAL_0001 = `
CREATE TABLE journal (
  seq INTEGER PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  kind TEXT NOT NULL,
  job_id INTEGER,
  node_name TEXT,
  body TEXT NOT NULL
) STRICT;
CREATE INDEX journal_by_job ON journal (job_id, seq) WHERE job_id IS NOT NULL;
CREATE INDEX journal_by_node ON journal (node_name, seq) WHERE node_name IS NOT NULL;

CREATE TABLE environments (
  digest TEXT PRIMARY KEY,
  json TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE jobs (
  job_id INTEGER PRIMARY KEY,
  accepted_seq INTEGER NOT NULL REFERENCES journal (seq),
  name TEXT NOT NULL,
  account TEXT NOT NULL,
  qos TEXT NOT NULL,
  nodes INTEGER NOT NULL,
  gpus_per_node INTEGER NOT NULL,
  dependencies TEXT NOT NULL,
  submit_ms INTEGER NOT NULL,
  state TEXT NOT NULL,
  is_ended INTEGER NOT NULL,
  exit_code INTEGER,
  attempt INTEGER NOT NULL,
  requeues INTEGER NOT NULL,
  is_held INTEGER NOT NULL,
  node_list TEXT NOT NULL,
  start_ms INTEGER,
  end_ms INTEGER,
  queued_since_ms INTEGER,
  queued_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX jobs_not_ended ON jobs (job_id) WHERE is_ended = 0;

CREATE TABLE attempts (
  job_id INTEGER NOT NULL REFERENCES jobs (job_id),
  attempt INTEGER NOT NULL,
  state TEXT NOT NULL,
  node_list TEXT NOT NULL,
  cpus INTEGER NOT NULL,
  gpus INTEGER NOT NULL,
  start_ms INTEGER NOT NULL,
  end_ms INTEGER,
  exit_code INTEGER,
  message TEXT,
  PRIMARY KEY (job_id, attempt)
) STRICT, WITHOUT ROWID;
`;
