import type { HealthExpectation, HealthOccasion, HealthSeverity, HealthStatus, XidError } from '../contract/health.ts';
import type { Machine } from './machine.ts';

/** What a check comes to, in one line. */
export interface Finding {
  status: HealthStatus;
  message: string;
}

export interface Check {
  name: string;
  severity: HealthSeverity;
  /** What it finds, in a few words. */
  finds: string;
  /** The program or files it reads. */
  reads: string;
  /** Absent: by severity. */
  runsAs?: readonly HealthOccasion[];
  /** May throw; that is UNKNOWN. */
  run(run: CheckRun): Promise<Finding>;
}

/** What the checks of one run share. */
export interface CheckRun {
  readonly machine: Machine;
  readonly expect: HealthExpectation;
  /** XID errors, once the kernel's log was read. */
  readonly xids: XidError[];
  /** Address of each GPU by index, once nvidia-smi was read. */
  readonly gpuPciAddresses: string[];
}

export const ok = (message: string): Finding => ({ status: 'ok', message });
export const warning = (message: string): Finding => ({ status: 'warning', message });
export const critical = (message: string): Finding => ({ status: 'critical', message });
export const unknown = (message: string): Finding => ({ status: 'unknown', message });
export const skipped = (message: string): Finding => ({ status: 'skipped', message });

/** The occasions on which a check runs: a low one must not keep a job from starting. */
export function occasionsOf({ severity, runsAs }: Pick<Check, 'severity' | 'runsAs'>): readonly HealthOccasion[] {
  return (
    runsAs ?? (severity === 'high' ? ['prolog', 'epilog', 'cron', 'healthcheck'] : ['epilog', 'cron', 'healthcheck'])
  );
}

/** A reading that several checks share: made once in a run, or once for each subject of a run. */
export function oncePerRun<Reading>(
  read: (run: CheckRun, subject: string) => Promise<Reading>,
): (run: CheckRun, subject?: string) => Promise<Reading> {
  const made = new WeakMap<CheckRun, Map<string, Promise<Reading>>>();
  return (run, subject = '') => {
    const readings = made.get(run) ?? new Map<string, Promise<Reading>>();
    made.set(run, readings);
    const reading = readings.get(subject) ?? read(run, subject);
    readings.set(subject, reading);
    return reading;
  };
}

/** What several checks judge, read once in a run. Where there is nothing to judge, the Finding that says why is that of all of them. */
export function judged<Reading extends object>(
  read: (run: CheckRun) => Promise<Reading | Finding>,
): (run: CheckRun, judge: (reading: Reading) => Finding) => Promise<Finding> {
  const readOnce = oncePerRun(read);
  return async (run, judge) => {
    const reading = await readOnce(run);
    return 'status' in reading ? reading : judge(reading);
  };
}

/** The first few of a list, and how many more there are: messages are one line. */
export function some(texts: readonly string[], most = 4): string {
  const shown = texts.slice(0, most).join('; ');
  return texts.length > most ? `${shown}; and ${texts.length - most} more` : shown;
}

/** The first line with something on it, cut to a length that fits a node's reason. */
export function firstLine(text: string): string {
  const line = text.split('\n').find((candidate) => candidate.trim() !== '') ?? '';
  const clean = line.replaceAll(/\p{Cc}/gu, ' ').trim();
  return clean.length > 200 ? `${clean.slice(0, 197)}...` : clean;
}
