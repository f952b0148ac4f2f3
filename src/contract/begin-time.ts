const UNIT_SECONDS: Readonly<Record<string, number>> = {
  second: 1,
  minute: 60,
  hour: 3600,
  day: 86_400,
  week: 7 * 86_400,
};
const SHORT_UNITS: Readonly<Record<string, string>> = { s: 'second', m: 'minute', h: 'hour', d: 'day', w: 'week' };
const CLOCKS: Readonly<Record<string, string>> = { midnight: '00:00', noon: '12:00', teatime: '16:00' };

/**
 * When a job may start at the earliest, milliseconds since the epoch, in the notation of `sbatch --begin`: `now`, `now+60` (seconds), `now+2hours`,
 * `now+90m`; a time of day (`16:30`, `16:30:15`, `midnight`, `noon`, `teatime`: today's, or tomorrow's once it is past); `today`, `tomorrow`; a
 * date or date and time such as `2027-01-31` or `2027-01-31T08:00`, in this machine's time zone unless it ends in `Z` or an offset like `+02:00`.
 * Undefined for anything else.
 */
export function parseBeginMs(text: string, nowMs: number): number | undefined {
  const trimmed = text.trim();
  const ahead = /^now(?:\+(\d{1,9})\s*([a-z]*))?$/i.exec(trimmed);
  if (ahead) {
    const seconds = secondsOf((ahead[2] ?? '').toLowerCase());
    return seconds === undefined ? undefined : nowMs + Number(ahead[1] ?? 0) * seconds * 1000;
  }
  const word = trimmed.toLowerCase();
  if (word === 'today') return startOfDayMs(nowMs, 0);
  if (word === 'tomorrow') return startOfDayMs(nowMs, 1);
  const clock = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(CLOCKS[word] ?? word);
  if (clock)
    return nextClockMs(
      clock.slice(1).map((part) => Number(part ?? 0)),
      nowMs,
    );
  return dateMs(trimmed);
}

function secondsOf(unit: string): number | undefined {
  const name = SHORT_UNITS[unit] ?? (unit === '' ? 'second' : unit.replace(/s$/, ''));
  return UNIT_SECONDS[name];
}

function startOfDayMs(nowMs: number, daysAhead: number): number {
  const date = new Date(nowMs);
  // By the calendar, not by 24 hours: a day may have 23 or 25.
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + daysAhead).getTime();
}

function nextClockMs([hours = 0, minutes = 0, seconds = 0]: readonly number[], nowMs: number): number | undefined {
  if (hours > 23 || minutes > 59 || seconds > 59) return undefined;
  const date = new Date(nowMs);
  const onDay = (days: number) =>
    new Date(date.getFullYear(), date.getMonth(), date.getDate() + days, hours, minutes, seconds).getTime();
  const todayMs = onDay(0);
  return todayMs >= nowMs ? todayMs : onDay(1);
}

const DATE = /^(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2})(?::(\d{2}))?)?(Z|[+-]\d{2}:\d{2})?$/;

function dateMs(text: string): number | undefined {
  const match = DATE.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hours = 0, minutes = 0, seconds = 0] = match
    .slice(1, 7)
    .map((part) => Number(part ?? 0));
  // The calendar would take the 31st of February for a day in March.
  const isOfCalendar = new Date(Date.UTC(year, month - 1, day)).getUTCDate() === day && month >= 1 && month <= 12;
  if (!isOfCalendar || hours > 23 || minutes > 59 || seconds > 59) return undefined;
  const zone = match[7];
  if (zone === undefined) return new Date(year, month - 1, day, hours, minutes, seconds).getTime();
  const utcMs = Date.UTC(year, month - 1, day, hours, minutes, seconds);
  if (zone === 'Z') return utcMs;
  const [zoneHours = 0, zoneMinutes = 0] = zone.slice(1).split(':').map(Number);
  if (zoneHours > 14 || zoneMinutes > 59) return undefined;
  return utcMs - Number(`${zone[0]}1`) * (zoneHours * 60 + zoneMinutes) * 60_000;
}
