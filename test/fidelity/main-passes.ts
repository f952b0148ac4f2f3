import { CLEAN_MS, readLoggedRun } from './passes.ts';
import { type ReplayedMainPasses, replayMain } from './replay.ts';

/** Every pass of a recording's main scheduler, made again. */
export function replayMainPasses(name: string): ReplayedMainPasses {
  return replayMain(readLoggedRun(name), CLEAN_MS);
}

if (process.argv[1] === import.meta.filename) {
  for (const name of process.argv.slice(2)) {
    const { passes, same, starts, startsMax, differences } = replayMainPasses(name);
    process.stdout.write(
      `${name}: ${passes} passes of the main scheduler started ${starts} jobs, at most ${startsMax} at once; the twin does the same in ${same}\n`,
    );
    process.stdout.write(differences.map((line) => `  ${line}\n`).join(''));
  }
}
