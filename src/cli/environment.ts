import { delimiter } from 'node:path';

/** Names that are taken for secrets: a word of the name says so. `TOKENIZERS_PARALLELISM` and `KEYBOARD` and `SSH_AUTH_SOCK` are none. */
const SECRET_NAME =
  /PASSWORD|PASSWD|PASSPHRASE|(?:^|_)(?:TOKENS?|SECRETS?|PWD|PASS|API_?KEYS?|ACCESS_?KEY(?:_ID)?|SECRET_?KEY|PRIVATE_?KEY|ENCRYPTION_?KEY|CREDENTIALS?|PATS?|AUTH(?!_SOCK)|BEARER)(?:_|$)/i;

/** `postgres://user:password@host`. */
const URL_WITH_PASSWORD = /[a-z][a-z0-9+.-]*:\/\/[^\s/?#:@]*:[^\s/?#@]+@/i;

/** Of the submitting shell, wrong anywhere else. */
const SHELL_NAMES = new Set(['PWD', 'OLDPWD', '_', 'SHLVL']);
/** Set by `npm run` and `npx` beside `npm_*`. */
const NPM_NAMES = new Set(['INIT_CWD', 'NODE', 'COLOR']);

export interface SubmittedEnvironment {
  environment: Record<string, string>;
  /** Names left out because they look like secrets or hold a URL with a password, in alphabetical order. */
  withheld: string[];
}

/**
 * What a job inherits of the submitting environment: all of it but what npm put there, what belongs to Orrery or to the calling shell,
 * and variables named like secrets or holding a URL with a password, since the environment is stored with the job.
 */
export function submittedEnvironment(env: NodeJS.ProcessEnv): SubmittedEnvironment {
  const isUnderNpm = env['npm_execpath'] !== undefined || env['npm_lifecycle_event'] !== undefined;
  const environment: Record<string, string> = {};
  const withheld: string[] = [];
  for (const [name, value] of Object.entries(env)) {
    // A function that bash hands down, such as `module`, is a variable with a name of its own kind.
    const isName = /^(?:[A-Za-z_][A-Za-z0-9_]*|BASH_FUNC_[^=]+%%)$/.test(name);
    if (value === undefined || !isName || SHELL_NAMES.has(name)) continue;
    if (name.startsWith('ORRERY_') || /^npm_/i.test(name) || (isUnderNpm && NPM_NAMES.has(name))) continue;
    if (SECRET_NAME.test(name) || URL_WITH_PASSWORD.test(value)) withheld.push(name);
    else environment[name] = name === 'PATH' ? withoutNpmFolders(value) : value;
  }
  return { environment, withheld: withheld.sort() };
}

function withoutNpmFolders(path: string): string {
  return path
    .split(delimiter)
    .filter((folder) => !/(?:^|\/)node_modules\/\.bin\/?$|(?:^|\/)node-gyp-bin\/?$/.test(folder))
    .join(delimiter);
}
