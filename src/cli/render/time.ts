/** Seconds since the epoch as local time with its zone, and how long ago or how soon: `2026-11-23 22:09:44 +00:00 (5 m ago)`. */
export function formatTime(seconds: number, nowMs: number): string {
  const date = new Date(seconds * 1000);
  const offset = -date.getTimezoneOffset();
  const shifted = new Date(date.getTime() + offset * 60_000).toISOString().slice(0, 19).replace('T', ' ');
  const zone = `${offset < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`;
  return `${shifted} ${zone} (${formatAgo(nowMs / 1000 - seconds)})`;
}

function formatAgo(seconds: number): string {
  if (seconds <= -1) return `in ${formatSpan(-seconds)}`;
  return seconds < 1 ? 'now' : `${formatSpan(seconds)} ago`;
}

function formatSpan(seconds: number): string {
  if (seconds < 100) return `${Math.floor(seconds)} s`;
  if (seconds < 6_000) return `${Math.floor(seconds / 60)} m`;
  if (seconds < 2 * 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
