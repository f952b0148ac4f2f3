import type { Operator, Scenario } from './scenario.ts';
import type { Observer } from './types.ts';

/** Those who look on, by what they look at: whoever does not care for something is not asked about it. */
export class Observers {
  readonly ofSubmissions: readonly Observer[];
  readonly ofStarts: readonly Observer[];
  readonly ofAttemptEnds: readonly Observer[];
  readonly ofJobEnds: readonly Observer[];
  readonly ofIncidents: readonly Observer[];
  readonly ofNodes: readonly Observer[];
  readonly ofInstants: readonly Observer[];

  /** The operator sees things first. */
  constructor({ operator, observers }: Pick<Scenario, 'operator' | 'observers'>) {
    const all: readonly (Observer | Operator)[] = operator === null ? observers : [operator, ...observers];
    this.ofSubmissions = all.filter(({ jobSubmitted }) => jobSubmitted !== undefined);
    this.ofStarts = all.filter(({ attemptStarted }) => attemptStarted !== undefined);
    this.ofAttemptEnds = all.filter(({ attemptEnded }) => attemptEnded !== undefined);
    this.ofJobEnds = all.filter(({ jobEnded }) => jobEnded !== undefined);
    this.ofIncidents = all.filter(({ incident }) => incident !== undefined);
    this.ofNodes = all.filter(({ nodeChanged }) => nodeChanged !== undefined);
    this.ofInstants = all.filter(({ settled }) => settled !== undefined);
  }
}
