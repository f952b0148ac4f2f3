import type { SlurmCommands } from './slurm-commands.ts';
import { SlurmFailure, STILL_RUNS } from './slurm-failure.ts';

/** Whether this is what a call comes to while Slurm, or the way to it, is away. */
export function isAway(failure: unknown): failure is SlurmFailure {
  return failure instanceof SlurmFailure && (failure.kind === 'unreachable' || failure.kind === 'login');
}

/**
 * Slurm's commands for what somebody waits for: each of them tries for `MessageTimeout` (10 s), some twice as long, to reach a slurmctld that is away.
 * Where the last look at Slurm has found that out, they throw at once what it said. `lastFailure`: of that look; null where it came to something.
 */
export function promptCommands(
  commands: Pick<SlurmCommands, 'run'>,
  lastFailure: () => unknown,
): Pick<SlurmCommands, 'run'> {
  return {
    run: async (...call) => {
      const failure = lastFailure();
      if (!isAway(failure)) return commands.run(...call);
      const message = `Slurm does not answer (${failure.said}): try again once it does; ${STILL_RUNS}`;
      throw new SlurmFailure(failure.kind, message, failure.said);
    },
  };
}
