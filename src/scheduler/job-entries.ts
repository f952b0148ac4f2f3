import type { JobKind, JobKinds } from './job-kind.ts';
import { JobRecord } from './job-record.ts';
import { partitionNames } from './partition-names.ts';
import type { Terms } from './terms.ts';
import type { JobRequest } from './types.ts';

const NO_ENTRIES: readonly JobRecord[] = [];

/** A job as it is looked at; of one that names several partitions with an entry for each of them. */
export function recordOf(request: JobRequest, attempt: number, terms: Terms, kinds: JobKinds): JobRecord {
  if (request.partition?.includes(',') === true) return recordOfSeveral(request, attempt, terms, kinds);
  const kind = kinds.of(request);
  return new JobRecord(request, terms.of(request, kind), kind, attempt);
}

/** Where it asks for no time the least `MaxWall` of all its partitions holds in each of them, as in Slurm, wherever it starts in the end. */
function recordOfSeveral(request: JobRequest, attempt: number, terms: Terms, kinds: JobKinds): JobRecord {
  const requests = partitionNames(request.partition).map((name) => {
    const { partition: _, ...others } = request;
    return name === undefined ? others : { ...others, partition: name };
  });
  const walls = requests.flatMap((one) => kinds.of(one).limits.wallMsDefault ?? []);
  const wallMsDefault = walls.length === 0 ? null : Math.min(...walls);
  const newRecord = (one: JobRequest, asked: JobRequest) => {
    const kind = kinds.of(one);
    const { deniedMinutes } = kind.limits;
    const limits = { wallMsDefault, deniedMinutes };
    return new JobRecord(asked, terms.of(one, { limits, lifts: kind.lifts }), kind, attempt);
  };
  const [first = request] = requests;
  if (requests.length === 1) return newRecord(first, first);
  const job = newRecord(first, request);
  job.entries = requests.map((one, index) => {
    const entry = newRecord(one, one);
    entry.owner = job;
    entry.entryIndex = index;
    // That is the job's affair.
    entry.hold = null;
    return entry;
  });
  return job;
}

export function entriesOf(job: JobRecord): readonly JobRecord[] {
  return job.entries ?? NO_ENTRIES;
}

/** What stands in the queue for the job: itself, or what it has for each of its partitions. */
export function inQueue(job: JobRecord): readonly JobRecord[] {
  return job.entries ?? [job];
}

/** What it counted as when it was submitted: as a job of the first of its partitions. */
export function submittedKind(job: JobRecord): JobKind {
  return job.entries?.[0]?.kind ?? job.kind;
}
