const MEMORY_FACTORS: Record<string, number> = { K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 };

/**
 * Memory in bytes from Slurm's notation: a number with K, M, G or T (powers of 1024; `G`, `GB` and `GiB` mean the same);
 * a bare number is in MiB, as in `sbatch --mem`. Returns undefined for anything else.
 */
export function parseMemoryBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([KMGT])?(?:i?B)?$/i.exec(text.trim());
  if (!match) return undefined;
  const factor = MEMORY_FACTORS[(match[2] ?? 'M').toUpperCase()];
  const bytes = Math.round(Number(match[1]) * (factor ?? 1));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** Bytes as a short text: `512M`, `1.5G`. */
export function formatMemory(bytes: number): string {
  for (const [unit, factor] of Object.entries(MEMORY_FACTORS).reverse()) {
    if (bytes >= factor) return `${Number((bytes / factor).toFixed(1))}${unit}`;
  }
  return `${bytes}B`;
}

/**
 * A duration in milliseconds. Slurm's forms: `minutes`, `minutes:seconds`, `hours:minutes:seconds`, `days-hours`,
 * `days-hours:minutes`, `days-hours:minutes:seconds`; and the short forms `90s`, `30m`, `2h`, `3d`, `9w`, `1h30m`.
 * Returns undefined for anything else (also for negative values).
 */
export function parseDurationMs(text: string): number | undefined {
  const trimmed = text.trim();
  const short = /^(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?$/.exec(trimmed);
  if (short && trimmed !== '') {
    const [weeks, days, hours, minutes, seconds] = short.slice(1).map((part) => Number(part ?? 0));
    return Math.round(
      ((((weeks ?? 0) * 7 + (days ?? 0)) * 24 + (hours ?? 0)) * 3600 + (minutes ?? 0) * 60 + (seconds ?? 0)) * 1000,
    );
  }
  const withDays = /^(\d+)-(\d+)(?::(\d+))?(?::(\d+))?$/.exec(trimmed);
  if (withDays) {
    const [days, hours, minutes, seconds] = withDays.slice(1).map((part) => Number(part ?? 0));
    return ((((days ?? 0) * 24 + (hours ?? 0)) * 60 + (minutes ?? 0)) * 60 + (seconds ?? 0)) * 1000;
  }
  const clock = /^(\d+)(?::(\d+))?(?::(\d+))?$/.exec(trimmed);
  if (!clock) return undefined;
  const [first = 0, second = 0, third = 0] = clock.slice(1).map((part) => Number(part ?? 0));
  const isHours = clock[3] !== undefined;
  return (isHours ? first * 3600 + second * 60 + third : first * 60 + second) * 1000;
}

/** Milliseconds as Slurm prints them: `[days-]hours:minutes:seconds`. */
export function formatDuration(ms: number): string {
  const total = Math.max(0, Math.floor(ms / 1000));
  const two = (value: number) => String(value).padStart(2, '0');
  const days = Math.floor(total / 86_400);
  const clock = `${two(Math.floor(total / 3600) % 24)}:${two(Math.floor(total / 60) % 60)}:${two(total % 60)}`;
  return days > 0 ? `${days}-${clock}` : clock;
}
