import type { Command } from 'commander';
import { OrreryError } from '../../contract/errors.ts';
import { readSlurmFile } from '../../daemon/slurm-file.ts';
import { parseHostList } from '../../formats/host-list.ts';
import { parseDurationMs } from '../../lib/units.ts';
import { defineCommand, list, repeated } from '../command.ts';
import { connect } from '../connection.ts';
import { homeFolder } from '../home.ts';
import { print, printJson } from '../output.ts';
import { renderReservations } from '../render/reservation-table.ts';
import { oneLine, terminalOf } from '../render/terminal.ts';

interface CreateOptions {
  nodes: string[];
  start?: string;
  duration?: string;
  end?: string;
  users?: string[];
  accounts?: string[];
  json?: boolean;
}

const HOW_MADE = {
  here: 'Make one: orrery reservations create --help',
  slurm: 'An operator makes one: scontrol create reservation',
} as const;

const isSlurm = () => readSlurmFile(homeFolder()) !== null;

export function register(program: Command): Command {
  const group = defineCommand(program, 'reservations', {
    summary: 'List reservations: nodes kept for some people, or for nobody, for some time.',
    examples: [
      ['orrery reservations', 'all of them'],
      ['orrery reservations create repair --nodes n2 --start now+1h --duration 2h', 'maintenance: nobody runs there'],
      ['orrery run --reservation course -- python3 train.py', 'run in one'],
    ],
  }).action(async (options: { json?: boolean }) => {
    const reservations = await connect().reservations();
    if (options.json === true) printJson({ reservations });
    else if (reservations.length === 0) print(`No reservations. ${HOW_MADE[isSlurm() ? 'slurm' : 'here']}`);
    else print(renderReservations(reservations, Date.now(), terminalOf(process.stdout)));
  });
  defineCommand(group, 'create', {
    summary: 'Keep nodes for some users or accounts, or for nobody. What runs there is left alone.',
    examples: [
      ['orrery reservations create repair --nodes n2 --duration 2h', 'from now on, for maintenance'],
      ['orrery reservations create course --nodes n1 --duration 4h --accounts teaching', 'for one account'],
    ],
  })
    .argument('<name>', 'its name, for --reservation')
    .requiredOption('--nodes <nodes>', 'which: n1,n[3-5]', repeated)
    .option('--start <time>', 'now (the default), now+2h, 2026-08-01T09:00')
    .option('--duration <time>', 'how long: 30m, 2h, 1-00:00:00')
    .option('--end <time>', 'until when, instead: now+2h, 2026-08-01T17:00')
    .option('--users <names>', 'who may use it', list)
    .option('--accounts <names>', 'whose users may; with --users too: both must fit', list)
    .action(async (name: string, options: CreateOptions) => {
      const nowMs = Date.now();
      const startMs = instant('--start', options.start ?? 'now', nowMs);
      const reservation = await connect().createReservation({
        name,
        nodes: options.nodes.flatMap(nodeNames),
        ...(options.start !== undefined && { startTime: startMs / 1000 }),
        endTime: endOf(options, startMs, nowMs) / 1000,
        users: options.users ?? [],
        accounts: options.accounts ?? [],
      });
      if (options.json === true) return printJson({ reservation });
      const { otherJobs } = reservation;
      print(`Created reservation ${oneLine(name)}`);
      if (otherJobs.length > 0) print(`  on its nodes now: job ${otherJobs.join(', ')}; they are left alone`);
    });
  defineCommand(group, 'delete', {
    summary: 'Give the nodes of a reservation back.',
    examples: [
      ['orrery reservations delete course', 'its nodes are for all again'],
      ['orrery reservations delete course --json', 'the same for a program'],
    ],
  })
    .argument('<reservation>', 'its name')
    .action(async (name: string, options: { json?: boolean }) => {
      await connect().deleteReservation(name);
      if (options.json === true) printJson({ name });
      else print(`Deleted reservation ${oneLine(name)}`);
    });
  return group;
}

function endOf({ duration, end }: CreateOptions, startMs: number, nowMs: number): number {
  if ((duration === undefined) === (end === undefined))
    throw new OrreryError('ORR_USAGE', 'expected one of --duration and --end');
  if (end !== undefined) return instant('--end', end, nowMs);
  const durationMs = parseDurationMs(duration ?? '') ?? 0;
  if (durationMs > 0) return startMs + durationMs;
  throw new OrreryError('ORR_USAGE', `--duration: expected a time > 0 such as "2h", got ${JSON.stringify(duration)}`);
}

/** `now`, `now+2h`, or an ISO date; without a zone it is local time. */
function instant(flag: string, text: string, nowMs: number): number {
  const [, isNow, delay] = /^(now)?(?:\+(.+))?$/.exec(text) ?? [];
  if (isNow !== undefined && delay === undefined) return nowMs;
  const delayMs = delay === undefined ? undefined : parseDurationMs(delay);
  if (isNow !== undefined && delayMs !== undefined) return nowMs + delayMs;
  const dateMs = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text.length === 10 ? `${text}T00:00` : text) : Number.NaN;
  if (Number.isFinite(dateMs)) return dateMs;
  throw new OrreryError(
    'ORR_USAGE',
    `${flag}: expected a time such as "now+2h" or "2026-08-01T09:00", got ${JSON.stringify(text)}`,
  );
}

function nodeNames(text: string): string[] {
  const names = parseHostList(text);
  if (names !== undefined) return names;
  throw new OrreryError('ORR_USAGE', `--nodes: expected node names such as n1,n[3-5], got ${JSON.stringify(text)}`);
}
