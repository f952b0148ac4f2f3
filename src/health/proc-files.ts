export interface MemoryUse {
  totalBytes: number;
  availableBytes: number;
}

/** Text of /proc/meminfo; null where it is something else. */
export function parseMemory(text: string): MemoryUse | null {
  const bytes = (name: string) => {
    const kibibytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1];
    return kibibytes === undefined ? null : Number(kibibytes) * 1024;
  };
  const totalBytes = bytes('MemTotal');
  const availableBytes = bytes('MemAvailable');
  return totalBytes === null || availableBytes === null ? null : { totalBytes, availableBytes };
}

/** How many CPUs `0-63,128` means, as /sys/devices/system/cpu/online has it; null where it is something else. */
export function parseCpuCount(text: string): number | null {
  let count = 0;
  for (const part of text.trim().split(',')) {
    const [, first, last = first] = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(part) ?? [];
    if (first === undefined || Number(last) < Number(first)) return null;
    count += Number(last) - Number(first) + 1;
  }
  return count;
}

export interface ProcessState {
  pid: number;
  name: string;
  /** `R`, `S`, `D` (uninterruptible), `Z` (zombie), ... */
  state: string;
}

/** Text of /proc/PID/stat; null where it is something else. The name may hold blanks and parentheses. */
export function parseProcessStat(text: string): ProcessState | null {
  const match = /^(\d+) \((.*)\) ([A-Za-z]) /s.exec(text);
  return match === null ? null : { pid: Number(match[1]), name: match[2] ?? '', state: match[3] ?? '' };
}

/** Seconds since boot of /proc/uptime; null where it is something else. */
export function parseUptime(text: string): number | null {
  const seconds = /^(\d+(?:\.\d+)?) \d/.exec(text)?.[1];
  return seconds === undefined ? null : Number(seconds);
}

export interface ClockSync {
  isSynchronised: boolean;
  /** Of this machine's clock from its servers'; null where it is not told. */
  skewSeconds: number | null;
}

/**
 * Output of `chronyc -c tracking`: fields by commas, 14 of them, of old versions 13 (without the name of the server). The tenth from the end is the
 * offset in seconds, the last the leap status. Null where it is not.
 */
export function parseChronyTracking(text: string): ClockSync | null {
  const fields = text.trim().split(',');
  const offset = fields.at(-10) ?? '';
  if (![13, 14].includes(fields.length) || !/^-?\d+\.\d+$/.test(offset)) return null;
  return { isSynchronised: fields.at(-1) !== 'Not synchronised', skewSeconds: Math.abs(Number(offset)) };
}

/** Output of `timedatectl show --property=NTPSynchronized`; null where it is not. */
export function parseTimedatectl(text: string): ClockSync | null {
  const answer = /^NTPSynchronized=(yes|no)$/m.exec(text)?.[1];
  return answer === undefined ? null : { isSynchronised: answer === 'yes', skewSeconds: null };
}

/** `TOTAL_ERR_FATAL 0` of a PCI device's aer_dev_fatal; null where it is something else. */
export function parseAerFatal(text: string): number | null {
  const count = /^TOTAL_ERR_FATAL (\d+)$/m.exec(text)?.[1];
  return count === undefined ? null : Number(count);
}
