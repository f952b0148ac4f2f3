import { formatDuration } from '../../../lib/units.ts';
import { isMetBy } from '../../../scheduler/dependency-terms.ts';
import type { Dependency } from '../../../scheduler/types.ts';
import type { MirrorJob } from '../mirror/mirror-job.ts';
import type { MirrorState } from '../mirror/mirror-state.ts';

/** Why a job that waits for others is not with Slurm yet. */
export function dependencyWords(
  { request }: MirrorJob,
  state: MirrorState,
  standing: 'wait' | 'never',
  nowMs: number,
): string[] {
  const { dependencies, isAnyEnough = false } = request;
  if (standing === 'never')
    return isAnyEnough
      ? ['No job it depends on did as it had to: it will never start. Cancel it.']
      : ['A job it depends on did not end as it had to: it will never start. Cancel it.'];
  const open = openTexts(dependencies, state, nowMs);
  const isOnItsWay = dependencies.some(({ jobId }) => state.jobs.get(jobId)?.phase !== 'submitted');
  const follows = isOnItsWay && dependencies.every(({ set }) => set === undefined);
  if (open.length === 0) return ['A job it depends on is on its way to Slurm; it follows.'];
  return [
    `${waitsFor(isAnyEnough, open)}.`,
    follows ? 'It goes to Slurm after them.' : 'It goes to Slurm then: Slurm has no word for what it waits for.',
  ];
}

/** Which jobs it waits for; null where they are not ours, or it waits for none. */
export function dependencySentences({ request, slurm }: MirrorJob, state: MirrorState, nowMs: number): string[] | null {
  if (slurm?.reason !== 'Dependency') return null;
  const open = openTexts(request.dependencies, state, nowMs);
  if (open.length > 0) return [`${waitsFor(request.isAnyEnough === true, open)}.`];
  return slurm.dependency === '' ? null : [`It waits for other jobs of Slurm: ${slurm.dependency}.`];
}

function waitsFor(isAnyEnough: boolean, open: readonly string[]): string {
  const shown = open.slice(0, 3).join('; ');
  const all = open.length > 3 ? `${shown}; and ${open.length - 3} more` : shown;
  return `It waits for ${isAnyEnough && open.length > 1 ? 'any one of these: ' : ''}${all}`;
}

function openTexts(dependencies: readonly Dependency[], state: MirrorState, nowMs: number): string[] {
  return dependencies.flatMap((dependency) => {
    const { condition, jobId, delayMs = 0 } = dependency;
    const other = state.jobs.get(jobId);
    const startMs = other === undefined ? (state.startedMs.get(jobId) ?? dependency.startMs) : other.live?.startMs;
    const delay = delayMs === 0 ? '' : `, and ${formatDuration(delayMs)} from its start`;
    if (condition === 'after' && startMs !== undefined) {
      const leftMs = startMs + delayMs - nowMs;
      if (leftMs <= 0) return [];
      return `job ${jobId}, which has started: ${formatDuration(leftMs)} more (after)`;
    }
    if (other !== undefined)
      return `job ${jobId}, which ${other.live === null ? 'is pending' : 'runs'} (${condition})${delay}`;
    const outcome = state.outcomes.get(jobId);
    return outcome === undefined || isMetBy(outcome, condition)
      ? []
      : `job ${jobId}, which ended ${outcome} (${condition})`;
  });
}
