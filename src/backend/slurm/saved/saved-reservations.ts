import { OrreryError } from '../../../contract/errors.ts';
import type { ConfText } from '../../../formats/slurm-conf-lines.ts';
import { parseCivilMs } from '../../../formats/trace-row.ts';
import type { NodeReservation } from '../../../scheduler/policy.ts';
import type { QueueRow } from '../../../twin/snapshot.ts';
import { GROUP, type ShownReservation, shownReservations } from '../output/reservation-text.ts';

/** What flags of Slurm (scontrol(1), reservations) come to here, where that is not the same. */
const UNLIKE_FLAGS: Readonly<Record<string, string>> = {
  FLEX: 'its jobs start while it lasts and on its nodes alone',
  MAGNETIC: 'only jobs that name it start in it',
  HOURLY: 'once',
  DAILY: 'once',
  WEEKDAY: 'once',
  WEEKEND: 'once',
  WEEKLY: 'once',
  REPLACE: 'it keeps the nodes that it has',
  REPLACE_DOWN: 'it keeps the nodes that it has',
  PURGE_COMP: 'it lasts until its end',
  NO_HOLD_JOBS_AFTER_END: 'its jobs wait for ever once it is over',
};

/**
 * Reservations of `scontrol show reservation` that are not over, in ms from `nowMs` on; those that last already start at 0. `notes`: what of them is not
 * as on the cluster, in one sentence, or none. Throws ORR_BAD_FILE with file and line for a date that is none.
 */
export function savedReservations(
  dump: ConfText,
  { nowMs, nodeNames, queue }: { nowMs: number | null; nodeNames: ReadonlySet<string>; queue: readonly QueueRow[] },
): { reservations: NodeReservation[]; notes: string[] } {
  const shown = shownReservations(dump.text);
  if (shown.length > 0 && nowMs === null) {
    const names = shown.map(({ facts }) => facts.name).join(', ');
    return { reservations: [], notes: [`reservations ${names}: left out, since it is not known what the time was`] };
  }
  const reservations: NodeReservation[] = [];
  const unlike: string[] = [];
  for (const one of shown) {
    const { name, flags } = one.facts;
    const startMs = Math.max(0, dateOf(one, 'start', dump.name) - (nowMs ?? 0));
    const endMs = dateOf(one, 'end', dump.name) - (nowMs ?? 0);
    if (endMs <= 0) continue;
    const nodes = one.facts.nodes.filter((node) => nodeNames.has(node));
    const reason = reasonToLeaveOut(one, nodes);
    if (reason !== null) {
      unlike.push(`${name} (left out: ${reason})`);
      continue;
    }
    const { remark, ...people } = peopleOf(one, queue);
    const remarks = [...flags.flatMap(unlikeFlag), ...(remark === null ? [] : [remark])];
    if (remarks.length > 0) unlike.push(`${name} (${remarks.join('; ')})`);
    reservations.push({ name, nodes, startMs, endMs, ...people });
  }
  const notes = unlike.length === 0 ? [] : [`reservations that are not as on the cluster: ${unlike.join(', ')}`];
  return { reservations, notes };
}

/** `PURGE_COMP=00:05:00`, `DAILY`. */
function unlikeFlag(flag: string): string[] {
  const [word = ''] = flag.split('=');
  const remark = UNLIKE_FLAGS[word];
  return remark === undefined ? [] : [`${word}: ${remark}`];
}

/** Of an instant that the clock shows as local time, which is read as UTC. */
function dateOf(shown: ShownReservation, field: 'start' | 'end', file: string): number {
  const ms = parseCivilMs(shown[field]);
  if (ms !== undefined) return ms;
  const key = field === 'start' ? 'StartTime' : 'EndTime';
  throw new OrreryError(
    'ORR_BAD_FILE',
    `${file}:${shown.line} reservation ${shown.facts.name}: ${key}: expected a date such as 2026-01-31T12:00:00, got ${JSON.stringify(shown[field])}`,
  );
}

function reasonToLeaveOut({ facts, isOfCores }: ShownReservation, known: readonly string[]): string | null {
  if (facts.nodes.length === 0) return 'it holds no nodes';
  if (known.length === 0) return 'it holds no nodes of the cluster';
  if (isOfCores) return 'it holds cores, not nodes';
  return facts.flags.includes('TIME_FLOAT') ? 'TIME_FLOAT: its start moves on with the clock' : null;
}

/** Who may use it. Of groups, and of everybody but some, those are known whose jobs are in it: Slurm let them. */
function peopleOf(
  { facts: { name, users, accounts } }: ShownReservation,
  queue: readonly QueueRow[],
): Pick<NodeReservation, 'users' | 'accounts'> & { remark: string | null } {
  const isPlain = (word: string) => !word.startsWith('-') && !word.startsWith(GROUP);
  const own = { users: users.filter(isPlain), accounts: accounts.filter(isPlain) };
  if ([...users, ...accounts].every(isPlain)) return { ...own, remark: null };
  const isAllBut = own.users.length === 0 && own.accounts.length === 0;
  const isOfGroup = users.some((word) => word.startsWith(GROUP));
  if (!isAllBut && !isOfGroup) return { ...own, remark: 'nobody is kept out by name' };
  const names = (row: QueueRow) => row.reservation?.split(',').includes(name) === true;
  const inIt = queue.filter(names).flatMap(({ user }) => user ?? []);
  const of = isOfGroup ? 'its groups' : 'all but some';
  return {
    ...own,
    users: [...new Set([...own.users, ...inIt])],
    remark: `of ${of} those may use it whose jobs in the queue name it`,
  };
}
