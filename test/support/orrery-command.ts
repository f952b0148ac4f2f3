import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { root } from './daemon.ts';

export interface CommandResult {
  code: number;
  stdout: string;
  stderr: string;
}

export interface CommandSettings {
  home: string;
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** Words before the command: `ip netns exec NAME`. */
  wrapper?: readonly string[];
  timeoutMs?: number;
  /** Told what the command says on stderr, as it comes. */
  onStderr?: (text: string) => void;
}

/** Runs `orrery ARGS` as a user does. Resolves whatever its exit code is. */
export function orrery(args: readonly string[], settings: CommandSettings): Promise<CommandResult> {
  const { home, cwd = root, env = {}, wrapper = [], timeoutMs = 120_000, onStderr } = settings;
  const [file = '', ...words] = [...wrapper, process.execPath, join(root, 'bin', 'orrery.js'), ...args];
  const options = {
    cwd,
    env: { ...process.env, NO_COLOR: '1', ...env, ORRERY_HOME: home },
    timeout: timeoutMs,
    maxBuffer: 64 * 1024 ** 2,
  };
  return new Promise((resolve) => {
    const child = execFile(file, words, options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ code, stdout, stderr });
    });
    if (onStderr !== undefined) child.stderr?.on('data', (data) => onStderr(String(data)));
  });
}
