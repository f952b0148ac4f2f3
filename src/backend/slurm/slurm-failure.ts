import { type ErrorCode, OrreryError } from '../../contract/errors.ts';
import { limitReason } from './limits/limit-reason.ts';

/**
 * What became of a call to Slurm. `unreachable`: ask again later. `limit`: not now. `permission`: not this user. `rejected`: never like
 * this. `unclear`: words we do not know. `unknownJob`: Slurm has forgotten it. `oldSlurm`: an option it does not know. `missing`: the program is not there.
 */
export type FailureKind =
  | 'unreachable'
  | 'limit'
  | 'permission'
  | 'rejected'
  | 'unclear'
  | 'unknownJob'
  | 'oldSlurm'
  | 'missing'
  | 'login';

const CODES: Record<FailureKind, ErrorCode> = {
  unreachable: 'ORR_UNREACHABLE',
  login: 'ORR_UNREACHABLE',
  limit: 'ORR_REFUSED',
  permission: 'ORR_REFUSED',
  rejected: 'ORR_BAD_JOB',
  unclear: 'ORR_FAILED',
  unknownJob: 'ORR_CONFLICT',
  oldSlurm: 'ORR_FAILED',
  missing: 'ORR_FAILED',
};

/** A call to Slurm that came to nothing, in one line for the user. */
export class SlurmFailure extends OrreryError {
  readonly kind: FailureKind;
  /** What went wrong, without the command and without advice. */
  readonly said: string;

  constructor(kind: FailureKind, message: string, said = message) {
    super(CODES[kind], message);
    this.kind = kind;
    this.said = said;
  }
}

/** How a command ended. */
export interface CommandEnd {
  program: string;
  /** Over ssh to this host; null: on this machine. */
  host: string | null;
  /** Null: killed, or never started. */
  status: number | null;
  stderr: string;
  isTimedOut: boolean;
  isNotFound: boolean;
  /** ssh ended with 0, and the command was not run. */
  isUnheard?: boolean;
  timeoutSeconds: number;
}

/** Slurm's words (slurm_errno.c of 22.05 to 24.05) for each kind; the first that fits. */
const WORDS: readonly [FailureKind, RegExp][] = [
  [
    'unreachable',
    /unable to contact slurm controller|connect failure|connection refused|socket timed out|zero bytes|communication (?:connection|shutdown)|message (?:send|receive) failure|unable to establish|no route to host|connection timed out|server \S+ not responding|problem talking to the database|transport endpoint|broken pipe|connection reset|connection closed by|kex_exchange_identification|not allowed at this time|protocol authentication|resource temporarily unavailable|could not establish a configuration source|unable to process configuration|standby mode|i\/o error writing script|unable to connect to database|munge encode failed/i,
  ],
  [
    'login',
    /permission denied \(|host key verification failed|could not resolve hostname|too many authentication failures/i,
  ],
  ['oldSlurm', /unrecognized option|unknown option|invalid option/i],
  [
    'limit',
    /job violates accounting\/qos policy|assocmaxsubmitjoblimit|qosmaxsubmitjob|assocgrpsubmitjobslimit|submissions disabled|maximum number of jobs|job count.*exceed|unable to accept job|job queue full|partition not available \(inactive or drain\)/i,
  ],
  ['unknownJob', /invalid job id/i],
  ['permission', /access\/permission denied|invalid user id|not permitted|must be privileged/i],
  [
    'rejected',
    /invalid|not available|not support|exceed|too (?:long|many|large)|more .* than|unable to allocate|can ?not be satisfied|denied|no partition|unspecified/i,
  ],
];

/** Whether it is a partition that takes no jobs until an operator opens it again (State=INACTIVE or DRAIN): no number of jobs is the cause. */
export function isClosedPartition(words: string): boolean {
  return /partition not available \(inactive or drain\)/i.test(words);
}

/** Of what a site has to say. */
const ADVICE_LENGTH_MAX = 500;

/** sbatch was told that Slurm's queue is full (`MaxJobCount`), and tries again by itself for two minutes. */
export const TRIES_AGAIN = /, sleeping and retrying$/m;

/** While slurmctld does not answer. */
export const STILL_RUNS = 'jobs run on and are caught up with once it answers';

const STILL_WORKS: Partial<Record<FailureKind, string>> = {
  unreachable: STILL_RUNS,
  login: 'renew the key or the agent and try ssh by hand; jobs run on meanwhile',
};

/** What sshd says to whom it does not let come as far as a login. */
export const TURNED_AWAY =
  /connection (?:reset|closed) by .* port|kex_exchange_identification|not allowed at this time/i;

/** A machine that has Slurm's commands and belongs to no cluster, or whose file is away. */
const NO_CONFIGURATION = /could not establish a configuration source/i;

/** Whether what was called for never came as far as slurmctld: nobody was there to take the connection. */
export function isUndelivered(error: unknown): boolean {
  return (
    error instanceof SlurmFailure &&
    /connect failure|connection refused|no route to host|^ssh: connect to host/i.test(error.said)
  );
}

/** The failure in one line: what was called, what Slurm said, and what still works. */
export function failureOf(end: CommandEnd): SlurmFailure {
  const { program, host, stderr } = end;
  const where = host === null ? '' : ` on ${host}`;
  if (end.isNotFound || (host !== null && end.status === 127)) {
    return new SlurmFailure(
      'missing',
      `${program}: not found${where === '' ? ' on the PATH' : where}: expected the commands of Slurm there`,
      'no such command',
    );
  }
  if (end.isTimedOut) {
    return new SlurmFailure(
      'unreachable',
      `${program}${where}: no answer within ${end.timeoutSeconds} s: ${STILL_WORKS.unreachable}`,
      `no answer within ${end.timeoutSeconds} s`,
    );
  }
  if (end.isUnheard === true) {
    const said = 'the login shell ran no command: does a file that it reads at its start end it?';
    return new SlurmFailure('login', `${program}${where}: ${said}`, said);
  }
  if (/unrecognized option/.test(stderr) && program === 'squeue') {
    return new SlurmFailure('oldSlurm', `squeue${where} knows no --json: expected Slurm 22.05 or later`);
  }
  const limit = limitOf(stderr);
  const isLogin = host !== null && end.status === 255;
  // What a plugin of the site says beside it (job_submit) is for people, whatever words are in it.
  const refusal = /^sbatch: error: Batch job submission failed: .*/m.exec(stderr)?.[0];
  const kindIn = (text: string) => WORDS.find(([, words]) => words.test(text));
  const [known, pattern] = (refusal === undefined ? undefined : kindIn(refusal)) ??
    kindIn(stderr) ?? [isLogin ? 'login' : 'unclear', null];
  // Where there was no answer the lines before tell of other tries, of which one may have been heard.
  const isAnswered = refusal !== undefined && known !== 'unreachable';
  const advice = isAnswered ? adviceIn(stderr, limit) : [];
  const last = lastWords(refusal ?? stderr, program, pattern) || `ended with status ${end.status ?? 'unknown'}`;
  const said = [...(limit === null ? [] : [limit]), ...advice, last.replace(TRIES_AGAIN, '')].join(': ');
  // With DenyOnLimit a QOS refuses what its limits would never let start; but there may be room for one more in the queue later.
  const isForGood = known === 'limit' && limit !== null && limitReason(limit)?.counted !== 'submit';
  const kind = isForGood ? 'rejected' : known;
  const isTurnedAway = host !== null && kind === 'unreachable' && TURNED_AWAY.test(stderr);
  const isFull = TRIES_AGAIN.test(last);
  const tail = isFull
    ? 'its queue is full (MaxJobCount) until some of all the jobs there have ended'
    : isTurnedAway
      ? `sshd does so for a while after logins that failed; ${STILL_WORKS.login}`
      : NO_CONFIGURATION.test(stderr)
        ? 'there is no slurm.conf there: set SLURM_CONF, or name a login node with --slurm-host; jobs run on meanwhile'
        : STILL_WORKS[kind];
  return new SlurmFailure(kind, `${program}${where}: ${said}${tail === undefined ? '' : `: ${tail}`}`, said);
}

/** What else sbatch says of a job that Slurm does not take: of a plugin of the site, or which of its requests cannot be met. */
function adviceIn(stderr: string, limit: string | null): string[] {
  const lines = [...stderr.matchAll(/^sbatch: (?:error: )*(.*\S)/gm)].map(([, words = '']) => words);
  const isAdvice = (words: string) => !/^(?:Batch job submission failed|Job \d|Waiting)/.test(words) && words !== limit;
  const advice = lines.filter(isAdvice).join('; ');
  return advice === '' ? [] : [advice.slice(0, ADVICE_LENGTH_MAX)];
}

/** The limit that sbatch names in a line of its own: `QOSMaxSubmitJobPerUserLimit`. */
export function limitOf(stderr: string): string | null {
  const names = stderr.split('\n').map((line) => /(?:^|error: )([A-Z]\w+)(?:$|: )/.exec(line.trim())?.[1] ?? '');
  return names.find((name) => limitReason(name) !== null) ?? null;
}

/**
 * The last line Slurm wrote to stderr that says what is wrong (`wanted`; null: any), without the program's name and the word "error". What is known less
 * well may come after it: `Failed while looking for jobs: Unspecified error`.
 */
function lastWords(stderr: string, program: string, wanted: RegExp | null): string {
  const lines = stderr.split('\n').map((line) => line.trim());
  const own = lines.filter((line) => line !== '' && !/^(?:sbatch|squeue): (?:Job|Waiting)/.test(line));
  const last = own.findLast((line) => wanted?.test(line) ?? true) ?? own.at(-1) ?? '';
  return last.replace(new RegExp(`^(?:${program}: )?(?:error: |fatal: )*`), '');
}
