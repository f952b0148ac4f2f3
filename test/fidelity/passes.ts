import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parseSlurmConf } from '../../src/formats/slurm-conf.ts';
import { completePolicy } from '../../src/scheduler/policy.ts';
import { readControllerLog } from './controller-log.ts';
import { folderOf, readRecordedRows } from './recording.ts';
import { type LoggedRun, replayBackfill, type ReplayedPasses } from './replay.ts';

/** By then a job that ended has left nothing to clean up on its nodes, mostly: on a machine that plays all of them. */
export const CLEAN_MS = 20;

export function readLoggedRun(name: string): LoggedRun {
  const folder = folderOf(name);
  const text = (file: string) => readFileSync(join(folder, file), 'utf8');
  const dump = (file: string) => ({ name: file, text: text(file) });
  const { nodes, policy } = parseSlurmConf({
    conf: dump('slurm.conf'),
    ...(existsSync(join(folder, 'qos.txt')) && { qos: dump('qos.txt'), associations: dump('associations.txt') }),
  });
  return {
    nodes,
    policy: completePolicy({ ...policy, priority: { type: 'multifactor' }, cadence: null }),
    jobs: new Map(
      readRecordedRows(text('jobs.csv')).map((row) => [Number(row.job), { ...row, limitMs: row.limitSeconds * 1000 }]),
    ),
    log: readControllerLog(gunzipSync(readFileSync(join(folder, 'passes.log.gz'))).toString()),
  };
}

/** Every pass of backfill of a recording, made again. */
export function replayPasses(name: string): ReplayedPasses {
  return replayBackfill(readLoggedRun(name), CLEAN_MS);
}

if (process.argv[1] === import.meta.filename) {
  const names = process.argv.slice(2);
  const replays = names.map((name) => replayPasses(name));
  const say = (name: string, what: Pick<ReplayedPasses, 'passes' | 'plans' | 'same'>) =>
    process.stdout.write(
      `${name}: ${what.passes} passes looked at ${what.plans} jobs; the twin says the same of ${what.same} (${((what.same / what.plans) * 100).toFixed(2)} %)\n`,
    );
  const sum = (of: (replay: ReplayedPasses) => number) => replays.reduce((total, replay) => total + of(replay), 0);
  for (const [index, replay] of replays.entries()) {
    say(`${names[index]}, ${replay.nodeTestMicroseconds.toFixed(0)} microseconds a node`, replay);
    process.stdout.write(replay.differences.map((line) => `  ${line}\n`).join(''));
  }
  const [passes, plans, same] = [sum((one) => one.passes), sum((one) => one.plans), sum((one) => one.same)];
  say('all', { passes, plans, same });
  say('of them clean', {
    passes: sum(({ clean }) => clean.passes),
    plans: sum(({ clean }) => clean.plans),
    same: sum(({ clean }) => clean.same),
  });
}
