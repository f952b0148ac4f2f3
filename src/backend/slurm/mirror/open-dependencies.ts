import { delayText } from '../../../contract/dependency.ts';
import { isMetBy, isOneFailure, type Term, termsOf } from '../../../scheduler/dependency-terms.ts';
import type { Dependency } from '../../../scheduler/types.ts';
import type { Predecessor } from '../batch/batch-script.ts';
import { isEnded, labelOf } from '../output/slurm-job.ts';
import type { MirrorJob } from './mirror-job.ts';
import type { MirrorState } from './mirror-state.ts';

/** What a job waits for: in sbatch's words, and by our own ids. */
export interface OpenDependencies {
  text: string;
  predecessors: Predecessor[];
  /** One of them is enough. */
  isAnyEnough: boolean;
}

/** What is to be waited for, `met`, `never`, or `wait`: it cannot be said to Slurm, or not yet. */
type Standing = 'met' | 'never' | 'wait' | { text: string; predecessor: Predecessor };

/**
 * The dependencies of a job. `wait`: one of them is not listed by Slurm (yet), or has ended there and we do not know yet what that means. `never`: one
 * ended as it must not; where one is enough, all of them did. What is fulfilled is left out: Slurm may have forgotten the job.
 */
export function dependencyText(job: MirrorJob, state: MirrorState, nowMs: number): OpenDependencies | 'wait' | 'never' {
  const { dependencies, isAnyEnough = false } = job.request;
  const standings = termsOf(dependencies).map((term) => standingOf(term, isAnyEnough, state, nowMs));
  const nothing: OpenDependencies = { text: '', predecessors: [], isAnyEnough };
  if (dependencies.length === 0 || (isAnyEnough && standings.some((one) => one.includes('met')))) return nothing;
  const lost = standings.filter((one) => one.includes('never'));
  if (lost.length === standings.length || (lost.length > 0 && !isAnyEnough)) return 'never';
  const open = standings.flat();
  if (open.includes('wait')) return 'wait';
  const said = open.filter((one) => typeof one !== 'string');
  return {
    text: said.map(({ text }) => text).join(isAnyEnough ? '?' : ','),
    predecessors: said.map(({ predecessor }) => predecessor),
    isAnyEnough,
  };
}

/** Of the tasks of an array that count as one, or of one job. What Slurm has no word for waits here. */
function standingOf(term: Term, isAnyEnough: boolean, state: MirrorState, nowMs: number): Standing[] {
  const each = term.map((dependency) => standingOfOne(dependency, state, nowMs));
  if (term.length === 1) return each;
  const isFailureWanted = isOneFailure(term);
  // All of them have to have ended, and one of them otherwise than well.
  if (isFailureWanted && each.every((one) => one === 'met' || one === 'never'))
    return [each.includes('met') ? 'met' : 'never'];
  if (isFailureWanted) return ['wait'];
  if (each.includes('never')) return ['never'];
  if (!isAnyEnough) return each;
  return [each.every((one) => one === 'met') ? 'met' : 'wait'];
}

function standingOfOne(dependency: Dependency, state: MirrorState, nowMs: number): Standing {
  const { condition, jobId, delayMs = 0 } = dependency;
  const other = state.jobs.get(jobId);
  if (other === undefined) {
    const outcome = state.outcomes.get(jobId);
    if (condition === 'after') {
      const startMs = state.startedMs.get(jobId) ?? dependency.startMs ?? -Infinity;
      return delayMs === 0 || startMs + delayMs <= nowMs ? 'met' : 'wait';
    }
    // Of one that nobody knows any more it is not known how it ended.
    return (outcome === undefined ? condition === 'afterany' : isMetBy(outcome, condition)) ? 'met' : 'never';
  }
  if (condition === 'after' && other.live !== null && other.live.startMs + delayMs <= nowMs) return 'met';
  const { slurm } = other;
  // Slurm takes one that it has forgotten for fulfilled, and may have given its number to another: only what it lists counts.
  if (other.phase !== 'submitted' || slurm === null || slurm.slurmJobId !== other.record.slurmJobId) return 'wait';
  if (isEnded(slurm)) return 'wait';
  // The number of one of its tasks may be that of the whole array.
  const text = `${condition}:${labelOf(slurm)}${delayText(dependency)}`;
  const predecessor: Predecessor = { condition, jobId, nodes: other.request.nodes };
  if (delayMs > 0) predecessor.delayMs = delayMs;
  return { text, predecessor };
}
