import { homedir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';

/** ORRERY_HOME, else `$XDG_STATE_HOME/orrery`, else `~/.local/state/orrery`. Absolute; need not exist. */
export function homeFolder(env: NodeJS.ProcessEnv = process.env): string {
  if (env['ORRERY_HOME']) return resolve(env['ORRERY_HOME']);
  return join(env['XDG_STATE_HOME'] || join(userFolder(), '.local', 'state'), 'orrery');
}

/** `HOME=` empty is no folder: a path made of it would be relative. */
function userFolder(): string {
  return homedir() || userInfo().homedir;
}
