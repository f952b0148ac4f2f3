import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { OrreryError } from '../contract/errors.ts';
import { readSlurmFile, type SlurmFile } from '../daemon/slurm-file.ts';

/** Flags of `orrery up` about where jobs run. */
export interface BackendOptions {
  backend?: string;
  nodes?: number;
  cluster?: string;
  scheduler?: string;
  policy?: string;
  slurmHost?: string;
  shared?: string;
  healthReports?: string;
  lemons?: string;
  healthInterval?: number;
  healthExpect?: string;
}

export interface BackendArguments {
  isSlurm: boolean;
  /** For the daemon. */
  args: string[];
  /** How the home goes on where no flag says it, in one line; null where flags do. */
  remark: string | null;
}

const SLURM_FLAGS = [
  ['--slurm-host', 'slurmHost'],
  ['--shared', 'shared'],
  ['--health-reports', 'healthReports'],
  ['--lemons', 'lemons'],
] as const;
const LOCAL_FLAGS = ['nodes', 'cluster', 'policy', 'scheduler'] as const;

/**
 * A home goes on as it was begun: one whose jobs are with Slurm needs no `--backend` again. Throws ORR_USAGE where flags do not go together,
 * ORR_CONFLICT where they are for a home of the other kind.
 */
export function backendArguments(home: string, options: BackendOptions): BackendArguments {
  const kept = readSlurmFile(home);
  if (options.backend === 'local' && kept !== null) {
    throw new OrreryError(
      'ORR_CONFLICT',
      `--backend local: the jobs of ${home} are with Slurm: leave it out, or choose another ORRERY_HOME`,
    );
  }
  if (options.backend === 'slurm' && kept === null && existsSync(join(home, 'orrery.db'))) {
    throw new OrreryError(
      'ORR_CONFLICT',
      `--backend slurm: the jobs of ${home} run on this machine: leave it out, or choose another ORRERY_HOME`,
    );
  }
  const isSlurm = options.backend === 'slurm' || kept !== null;
  return isSlurm ? slurmArguments(home, options, kept) : { isSlurm, args: localArguments(options), remark: null };
}

function localArguments(options: BackendOptions): string[] {
  const stray = SLURM_FLAGS.find(([, name]) => options[name] !== undefined)?.[0];
  if (stray === '--lemons') {
    throw new OrreryError('ORR_USAGE', '--lemons: goes with --backend slurm; here the policy says it (lemons: drain)');
  }
  if (stray !== undefined) throw new OrreryError('ORR_USAGE', `${stray}: goes with --backend slurm`);
  return healthArguments(options.healthInterval, options.healthExpect);
}

function slurmArguments(home: string, options: BackendOptions, kept: SlurmFile | null): BackendArguments {
  const stray = LOCAL_FLAGS.find((name) => options[name] !== undefined);
  if (stray !== undefined) {
    throw options.backend === 'slurm'
      ? new OrreryError('ORR_USAGE', `--${stray}: Slurm has its own nodes and rules: leave it out with --backend slurm`)
      : new OrreryError(
          'ORR_CONFLICT',
          `--${stray}: the jobs of ${home} are with Slurm, which has its own nodes and rules: leave it out, or choose another ORRERY_HOME`,
        );
  }
  const { slurmHost, shared, healthReports, lemons } = options;
  const interval = options.healthInterval ?? kept?.healthIntervalSeconds;
  // What is expected goes with checks: without them there is nothing to expect.
  const expect = options.healthExpect ?? (interval === 0 ? null : kept?.healthExpect);
  return {
    isSlurm: true,
    args: [
      '--backend',
      'slurm',
      ...(slurmHost === undefined ? [] : ['--slurm-host', slurmHost]),
      ...(shared === undefined ? [] : ['--shared', resolve(shared)]),
      ...(healthReports === undefined ? [] : ['--health-reports', resolve(healthReports)]),
      ...(lemons === undefined ? [] : ['--lemons', lemons]),
      ...healthArguments(interval, expect ?? undefined),
    ],
    remark: options.backend === undefined && kept !== null ? remarkOn(home, kept, options) : null,
  };
}

function healthArguments(interval: number | undefined, expect: string | undefined): string[] {
  return [
    ...(interval === undefined ? [] : ['--health-interval', String(interval)]),
    ...(expect === undefined ? [] : ['--health-expect', resolve(expect)]),
  ];
}

/** Names what was said at an earlier start and not now, as flags. */
function remarkOn(home: string, kept: SlurmFile, options: BackendOptions): string {
  const said = [
    ['--slurm-host', kept.host, options.slurmHost],
    ['--shared', kept.shared, options.shared],
    ['--health-reports', kept.reports, options.healthReports],
    ['--lemons', kept.lemons === 'advise' ? null : kept.lemons, options.lemons],
    ['--health-interval', kept.healthIntervalSeconds || null, options.healthInterval],
    ['--health-expect', kept.healthExpect, options.healthInterval === 0 ? '' : options.healthExpect],
  ].flatMap(([flag, before, now]) => (before === null || now !== undefined ? [] : [`${flag} ${before}`]));
  return `The jobs of ${home} are with Slurm: going on as before (${['--backend slurm', ...said].join(' ')})`;
}
