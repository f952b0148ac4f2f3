import { execFile } from 'node:child_process';
import { join } from 'node:path';

export type PythonSearch =
  | { isMissing: false; path: string; version: string; torchVersion: string }
  /** In the order they were looked at; those that are no Python at all included. */
  | { isMissing: true; tried: string[] };

/** Importing torch can take long on a cold disk; a Python that hangs is none. */
const TIMEOUT_MS = 60_000;

const PROBE = 'import sys, torch; print(sys.executable, sys.version.split()[0], torch.__version__, sep="\\n")';
/** Without importing: a Python that has no torch answers at once. */
const QUICK_PROBE = 'import importlib.util, sys; sys.exit(importlib.util.find_spec("torch") is None)';

/**
 * Finds a Python that imports torch: `ORRERY_PYTHON`, then the active virtual environment's, `python3` on PATH, `/usr/bin/python3`.
 * Only the first that has torch is made to import it, which takes a second or two. Nothing is installed or changed.
 */
export async function findPython(env: NodeJS.ProcessEnv): Promise<PythonSearch> {
  const tried: string[] = [];
  for (const command of candidates(env)) {
    tried.push(command);
    if ((await run(command, QUICK_PROBE, env)) === null) continue;
    const [path, version, torchVersion] = (await run(command, PROBE, env))?.trim().split('\n').slice(-3) ?? [];
    if (path !== undefined && version !== undefined && torchVersion !== undefined)
      return { isMissing: false, path, version, torchVersion };
  }
  return { isMissing: true, tried };
}

function candidates(env: NodeJS.ProcessEnv): string[] {
  const own = env['ORRERY_PYTHON'];
  const virtual = env['VIRTUAL_ENV'];
  return [
    ...new Set([
      ...(own ? [own] : []),
      ...(virtual ? [join(virtual, 'bin', 'python3')] : []),
      'python3',
      '/usr/bin/python3',
    ]),
  ];
}

/** What the program printed, or null if it failed in any way. */
function run(command: string, program: string, env: NodeJS.ProcessEnv): Promise<string | null> {
  return new Promise((resolve) => {
    execFile(command, ['-c', program], { env, timeout: TIMEOUT_MS, killSignal: 'SIGKILL' }, (error, stdout) => {
      resolve(error === null ? stdout : null);
    });
  });
}
