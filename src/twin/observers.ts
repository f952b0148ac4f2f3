import type { Scenario } from './scenario.ts';
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
  readonly ofLeft: readonly Observer[];

  /** The operator sees things first. */
  constructor({ operator, observers }: Pick<Scenario, 'operator' | 'observers'>) {
    const all: readonly Observer[] = operator === null ? observers : [operator, ...observers];
    const those = (what: keyof Observer) => all.filter((observer) => observer[what] !== undefined);
    this.ofSubmissions = those('jobSubmitted');
    this.ofStarts = those('attemptStarted');
    this.ofAttemptEnds = those('attemptEnded');
    this.ofJobEnds = those('jobEnded');
    this.ofIncidents = those('incident');
    this.ofNodes = those('nodeChanged');
    this.ofInstants = those('settled');
    this.ofLeft = those('leftPending');
  }
}
