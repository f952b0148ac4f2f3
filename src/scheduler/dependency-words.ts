import { formatDuration } from '../lib/units.ts';
import { type Term, termsOf } from './dependency-terms.ts';
import type { JobRecord } from './job-record.ts';
import type { Ledger } from './ledger.ts';
import type { Dependency } from './types.ts';

const AIMS = {
  afterok: 'complete',
  afterany: 'end',
  afternotok: 'end otherwise than well',
  after: 'start',
} as const;

/** Sentences on each that the job waits for. */
export function explainDependencies(ledger: Ledger, { waitsFor, request }: JobRecord, nowMs: number): string[] {
  const terms = termsOf(waitsFor);
  const sentences = terms.map(([first, ...others]) => {
    if (first === undefined) return '';
    return first.set === undefined ? explainOne(ledger, first, nowMs) : explainArray(ledger, [first, ...others]);
  });
  if (request.isAnyEnough !== true || terms.length < 2) return sentences;
  return [`Any one of these ${terms.length} is enough for it to start.`, ...sentences];
}

function explainOne(ledger: Ledger, dependency: Dependency, nowMs: number): string {
  const { condition, jobId, delayMs = 0 } = dependency;
  const name = `${condition}:${jobId}${delayMs === 0 ? '' : `+${delayMs / 60_000}`}`;
  const state = ledger.outcomes.state(jobId);
  if (ledger.dependencies.isBroken([dependency]))
    return `${name} is never satisfied: job ${jobId} ended ${state}. Requeue it, or cancel this job.`;
  const other = ledger.find(jobId);
  const dueMs = ledger.dependencies.dueMs(dependency);
  if (dueMs < Infinity) {
    const left = dueMs <= nowMs ? 'that is now' : `that is in ${formatDuration(dueMs - nowMs)}`;
    const since = state === undefined ? 'started' : `ended ${state}`;
    return `${name} waits until ${formatDuration(delayMs)} after the start of job ${jobId}, which has ${since}: ${left}.`;
  }
  if (other === undefined) return `${name} waits for job ${jobId}, which nobody has submitted.`;
  const aim = delayMs === 0 ? AIMS[condition] : `start, and ${formatDuration(delayMs)} more`;
  return `${name} waits for job ${jobId} to ${aim}; it is ${other.held === null ? 'pending' : 'running'}.`;
}

/** On all tasks of an array as one. */
function explainArray(ledger: Ledger, term: Term): string {
  const [{ condition, delayMs = 0 } = { condition: 'afterany' as const }] = term;
  const ids = term.map(({ jobId }) => jobId);
  const jobs = ids.length === 1 ? `job ${ids[0]}` : `jobs ${Math.min(...ids)} to ${Math.max(...ids)}`;
  const delay = delayMs === 0 ? '' : `, and ${formatDuration(delayMs)} more`;
  if (ledger.dependencies.isBroken(term)) {
    const how = condition === 'afternotok' ? 'all of them ended COMPLETED' : 'not all of them ended COMPLETED';
    return `${condition} of ${jobs} is never satisfied: ${how}. Requeue what ended otherwise than it had to, or cancel this job.`;
  }
  const aim = condition === 'afternotok' ? 'end, one of them otherwise than well' : AIMS[condition];
  const left = ids.filter((id) => ledger.outcomes.state(id) === undefined).length;
  return `${condition} waits for ${jobs} to ${aim}${delay}; ${left} of ${ids.length} have not ended.`;
}
