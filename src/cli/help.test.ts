import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { beforeAll, describe, expect, it } from 'vitest';
import { packageFolder } from './package-folder.ts';
import { createFullProgram, createProgram } from './program.ts';
import { COMMANDS } from './registry.ts';

/** Lines of a screen that is not small; `run` has a flag for each field of a job. */
const HELP_LINES_MAX = 58;
const HELP_COLUMNS_MAX = 120;

let program: Command;
beforeAll(async () => {
  program = await createFullProgram();
});

/** Commands that do something, by their words: `nodes drain`. */
function commandsOf(parent: Command, path = ''): { path: string; command: Command }[] {
  return parent.commands
    .filter((command) => command.name() !== 'complete')
    .flatMap((command) => {
      const own = `${path}${command.name()}`;
      return [{ path: own, command }, ...commandsOf(command, `${own} `)];
    });
}

const isGroup = ({ command }: { command: Command }): boolean =>
  command.commands.length > 0 && command.options.length === 0;

function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => void (text += part) });
  command.outputHelp();
  return text;
}

function examplesOf(command: Command): string[] {
  const [, examples = ''] = helpOf(command).split('\nExamples:\n');
  return examples.split('\n').flatMap((line) => /^ {2}(\S.*?)\s+# /.exec(line)?.[1] ?? []);
}

/** Words of each `orrery ...` in a shell line; redirections and what is piped into it are the shell's business. */
function orreryCalls(line: string): string[][] {
  return line.split(/\s*(?:\||&&|<\(|\))\s*/).flatMap((part) => {
    const words = [...part.replace(/\s[<>]\s.*$/, '').matchAll(/"([^"]*)"|(\S+)/g)].map(
      ([, quoted, plain]) => quoted ?? plain ?? '',
    );
    return words[0] === 'orrery' ? [words.slice(1)] : [];
  });
}

describe('help', () => {
  it('lists every command, and only those', () => {
    expect(program.commands.map((command) => command.name()).filter((name) => name !== 'complete')).toEqual(
      COMMANDS.map(({ name }) => name),
    );
  });

  it('of every command fits a screen', () => {
    const tooLarge = commandsOf(program).flatMap(({ path, command }) => {
      const lines = helpOf(command).trimEnd().split('\n');
      const widest = Math.max(...lines.map((line) => line.length));
      return lines.length > HELP_LINES_MAX || widest > HELP_COLUMNS_MAX ? [`${path}: ${lines.length} x ${widest}`] : [];
    });
    expect(tooLarge).toEqual([]);
  });

  it('of every command has two examples at least, and --json', () => {
    const commands = commandsOf(program).filter((entry) => !isGroup(entry));
    expect(commands.length).toBeGreaterThan(25);
    expect(commands.flatMap(({ path, command }) => (examplesOf(command).length < 2 ? [path] : []))).toEqual([]);
    expect(
      commands.flatMap(({ path, command }) => (command.options.some(({ long }) => long === '--json') ? [] : [path])),
    ).toEqual([]);
  });

  it('shows examples that parse', async () => {
    const lines = commandsOf(program).flatMap(({ command }) => examplesOf(command));
    const calls = lines.flatMap(orreryCalls);
    expect(calls.length).toBeGreaterThanOrEqual(lines.length);
    const understood: string[][] = [];
    for (const words of calls) {
      const fresh = await createProgram(words);
      for (const { command } of commandsOf(fresh)) command.action(() => void understood.push(words));
      await fresh.parseAsync(words, { from: 'user' });
    }
    expect(understood).toEqual(calls);
  });
});

describe('docs/reference/cli.md', () => {
  it('names every command and every option', () => {
    const text = readFileSync(join(packageFolder(), 'docs', 'reference', 'cli.md'), 'utf8');
    const missing = commandsOf(program).flatMap(({ path, command }) => {
      const options = command.options.flatMap(({ long, hidden }) =>
        hidden || long === undefined || text.includes(`\`${long}`) ? [] : [`${path} ${long}`],
      );
      return text.includes(`\`orrery ${path}`) ? options : [`orrery ${path}`, ...options];
    });
    expect(missing).toEqual([]);
  });
});
