import { formatDuration, formatMemory } from '../lib/units.ts';
import type { Amounts, Resource } from './limit-reasons.ts';
import { MINUTE_MS, minutesOf } from './run-minutes.ts';

const WORDS: Readonly<Record<Resource, string>> = {
  jobs: 'running jobs',
  nodes: 'nodes',
  gpus: 'GPUs',
  cpus: 'CPUs',
  memoryBytes: 'of memory',
};

export function figure(amount: number, name: Resource): string {
  return name === 'memoryBytes' ? formatMemory(amount) : String(amount);
}

/** Of a job: it counts as one. */
export function amountOf(demand: Readonly<Omit<Amounts, 'jobs'>>, name: Resource): number {
  return name === 'jobs' ? 1 : demand[name];
}

/** `4 GPUs`. */
export function said(amount: number, name: Resource): string {
  return `${figure(amount, name)} ${WORDS[name]}`;
}

/** `60 CPU minutes`, as `1 CPU for an hour` is. */
export function minutesSaid(amount: number, name: Resource): string {
  const figure = minutesFigure(amount, name);
  if (name === 'jobs') return `${figure} of running`;
  return name === 'memoryBytes' ? `${figure} minutes` : `${figure} ${UNITS[name]} minutes`;
}

/** The same without what it is of. Not every time is one of whole minutes. */
export function minutesFigure(amount: number, name: Resource): string {
  return name === 'jobs' ? formatDuration(amount * MINUTE_MS) : figure(Math.round(amount * 100) / 100, name);
}

const UNITS = { nodes: 'node', gpus: 'GPU', cpus: 'CPU' } as const;

/** What a job has of it by its time limit, which may be Infinity. */
export function minutesAsked(amount: number, limitMs: number, name: Resource): string {
  if (limitMs < Infinity) return `it asks for ${minutesSaid(minutesOf(amount, limitMs), name)} by its time limit`;
  if (name === 'jobs') return 'it asks for no time';
  const asked = name === 'memoryBytes' ? said(amount, name) : `${amount} ${UNITS[name]}${amount === 1 ? '' : 's'}`;
  return `it asks for ${asked} and for no time`;
}

export function jobs(number: number): string {
  return `${number} job${number === 1 ? '' : 's'}`;
}
