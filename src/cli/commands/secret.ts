import { chmodSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { OrreryError } from '../../contract/errors.ts';
import { defineCommand, defineGroup } from '../command.ts';
import { homeFolder } from '../home.ts';
import { makeFolder } from '../../daemon/make-folder.ts';
import { print, printJson } from '../output.ts';

export function register(program: Command): Command {
  const group = defineGroup(program, 'secret', 'Store values that jobs may ask for with --secret NAME.');
  defineCommand(group, 'set', {
    summary:
      'Read a value from standard input and store it, readable by you alone. Jobs get it with run --secret NAME.',
    examples: [
      ['orrery secret set HF_TOKEN < token.txt', 'from a file'],
      ['pass show hf | orrery secret set HF_TOKEN', 'from a password manager'],
    ],
  })
    .argument('<name>', 'name of the environment variable')
    .action(async (name: string, options: { json?: boolean }) => {
      if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
        throw new OrreryError('ORR_USAGE', `expected the name of an environment variable, got ${JSON.stringify(name)}`);
      }
      if (process.stdin.isTTY) {
        // Typed text would be echoed, and nothing here prompts.
        throw new OrreryError('ORR_USAGE', `pipe the value in: orrery secret set ${name} < FILE`);
      }
      const value = (await text(process.stdin)).replace(/\r?\n$/, '');
      if (value === '') throw new OrreryError('ORR_USAGE', 'standard input is empty: nothing was stored');
      if (value.includes('\0')) throw new OrreryError('ORR_USAGE', 'the value holds a NUL byte: nothing was stored');
      storeSecret(homeFolder(), name, value);
      if (options.json === true) printJson({ name });
      else print(`Stored ${name}. Use it: orrery run --secret ${name} ...`);
    });
  return group;
}

function storeSecret(home: string, name: string, value: string): void {
  const folder = join(home, 'secrets');
  const temporary = join(folder, `.${name}.${process.pid}`);
  try {
    makeFolder(folder);
    writeFileSync(temporary, value, { mode: 0o600 });
    chmodSync(temporary, 0o600);
    renameSync(temporary, join(folder, name));
  } catch (cause) {
    rmSync(temporary, { force: true });
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new OrreryError('ORR_STORAGE', `cannot store ${name} in ${folder}: ${reason}; free some space or mend it`, {
      cause,
    });
  }
}
