import type { Dependency } from '../scheduler/types.ts';
import type { RowDependency, TraceRow } from './trace-row.ts';

/** The jobs of a trace that were before, by name, for those that wait for them. */
export class EarlierJobs {
  readonly #idOf = new Map<string, number>();
  readonly #tasksOf = new Map<string, number[]>();
  /** Those that somebody waits for to have started a while ago. */
  readonly #startAwaited = new Set<number>();

  add(row: TraceRow, jobId: number): void {
    this.#idOf.set(row.job, jobId);
    if (row.array !== undefined) {
      const tasks = this.#tasksOf.get(row.array.name);
      if (tasks === undefined) this.#tasksOf.set(row.array.name, [jobId]);
      else tasks.push(jobId);
    }
    for (const one of row.after)
      if ((one.delayMs ?? 0) > 0) for (const id of this.#idsOf(one)) this.#startAwaited.add(id);
  }

  isStartAwaited(jobId: number): boolean {
    return this.#startAwaited.has(jobId);
  }

  /** The first that a row waits for and is not there; null where all are, or one of which one is enough. */
  lostBy({ after, isAnyEnough = false }: TraceRow): string | null {
    const lost = after.filter((one) => this.#idsOf(one).length === 0);
    return isAnyEnough && lost.length < after.length ? null : (lost[0]?.job ?? null);
  }

  dependenciesOf({ after }: TraceRow): Dependency[] {
    return after.flatMap((one, place) => {
      const { job: _, set: own, ...dependency } = one;
      const ids = this.#idsOf(one);
      const set = own ?? (this.#idOf.has(one.job) ? undefined : after.length + place);
      return ids.map((jobId) => ({ ...dependency, jobId, ...(set !== undefined && { set }) }));
    });
  }

  /** An array's name means its tasks, where no job has it. */
  #idsOf({ job }: RowDependency): readonly number[] {
    const id = this.#idOf.get(job);
    return id === undefined ? (this.#tasksOf.get(job) ?? []) : [id];
  }
}
