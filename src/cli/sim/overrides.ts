import { OrreryError } from '../../contract/errors.ts';
import { fieldsWithoutEffect } from '../../formats/fields-without-effect.ts';
import { GPUS_PER_NODE_MAX, NODES_MAX } from '../../formats/host-list.ts';
import { nearest } from '../../formats/nearest.ts';
import { parsePolicyFile } from '../../formats/policy-file.ts';
import { cadenceChange, isCadenceParameter } from '../../formats/slurm-times.ts';
import type { SchedulerOptions } from '../../scheduler/policy.ts';

/** What `--set NAME=VALUE` puts in place of a figure of the scenario. Absent: as it was. */
export interface Overrides {
  nodes?: number;
  gpusPerNode?: number;
  cpusPerNode?: number;
  /** Of every job. */
  maxRequeues?: number;
  failuresPerThousandNodeDays?: number;
  /** Fields of the policy by their path, such as `preempt.exemptSeconds`. */
  policy: readonly (readonly [path: string, value: string])[];
}

interface Figure {
  /** What values it takes, for the message. */
  expected: string;
  isValid: (value: number) => boolean;
}

const wholeFrom = (least: number, most = Number.MAX_SAFE_INTEGER): Figure => ({
  expected: `an integer ${least === 0 ? '>= 0' : '> 0'}${most < Number.MAX_SAFE_INTEGER ? ` and <= ${most}` : ''}`,
  isValid: (value) => Number.isInteger(value) && value >= least && value <= most,
});

const FIGURES = {
  nodes: wholeFrom(1, NODES_MAX),
  gpusPerNode: wholeFrom(0, GPUS_PER_NODE_MAX),
  cpusPerNode: wholeFrom(1),
  maxRequeues: wholeFrom(0),
  failuresPerThousandNodeDays: { expected: 'a number >= 0', isValid: (value) => Number.isFinite(value) && value >= 0 },
} as const satisfies Partial<Record<keyof Overrides, Figure>>;

/** Parses `NAME=VALUE` pairs of the command line. Throws ORR_USAGE. */
export function parseSettings(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [name = '', value] = pair.split(/=(.*)/s);
      if (name === '' || value === undefined || value === '') {
        throw new OrreryError('ORR_USAGE', `set: expected NAME=VALUE such as nodes=2000, got ${JSON.stringify(pair)}`);
      }
      return [name.trim(), value.trim()];
    }),
  );
}

/** Sorts settings by what they belong to. Throws ORR_USAGE for a value that the figure cannot take. */
export function overridesOf(settings: Readonly<Record<string, string>>): Overrides {
  const overrides: Overrides = { policy: [] };
  const policy: [string, string][] = [];
  for (const [name, text] of Object.entries(settings)) {
    if (!isFigure(name)) {
      policy.push([name.replace(/^policy\./, ''), text]);
      continue;
    }
    const value = Number(text);
    const { expected, isValid } = FIGURES[name];
    if (!isValid(value)) {
      throw new OrreryError('ORR_USAGE', `set ${name}: expected ${expected}, got ${JSON.stringify(text)}`);
    }
    overrides[name] = value;
  }
  return { ...overrides, policy };
}

/** The policy with fields replaced. Throws ORR_USAGE for a field that there is not, for a value that it cannot take, and for what changes nothing. */
export function withPolicyOverrides(options: SchedulerOptions, policy: Overrides['policy']): SchedulerOptions {
  const made: Record<string, unknown> = structuredClone({ ...options });
  /** By the field of the policy that it changes. */
  const pathOf = new Map<string, string>();
  for (const [path, text] of policy) {
    const parts = path.split('.');
    if (isCadenceParameter(path)) {
      made['cadence'] = withCadence(made['cadence'], path, valueOf(text));
      pathOf.set('cadence', path);
      continue;
    }
    // The reader of policy files says what a field may be; alone, it yields that field in the policy's own words.
    const alone: Record<string, unknown> = { ...readAlone(path, parts, valueOf(text)) };
    let below: Record<string, unknown> = made;
    let from: Record<string, unknown> = alone;
    const [first = ''] = parts;
    const way = Object.hasOwn(alone, first) ? parts : Object.keys(alone);
    for (const part of way.slice(0, -1)) {
      const inner = asMap(from, part);
      // Of what is not there, all fields are begun with their defaults.
      if (typeof below[part] !== 'object' || below[part] === null) below[part] = inner;
      below = asMap(below, part);
      from = inner;
    }
    const last = way.at(-1) ?? '';
    below[last] = from[last];
    pathOf.set(way[0] ?? '', path);
  }
  for (const { key, reason } of fieldsWithoutEffect(made)) {
    const path = pathOf.get(key);
    if (path !== undefined) throw new OrreryError('ORR_USAGE', `set ${path}: it would change nothing: ${reason}`);
  }
  return made;
}

function readAlone(path: string, parts: readonly string[], value: unknown): SchedulerOptions {
  const nested = parts.reduceRight<unknown>((inner, part) => ({ [part]: inner }), value);
  try {
    const { options, ignored } = parsePolicyFile(JSON.stringify(nested), 'set');
    const [nothing] = ignored;
    if (nothing === undefined) return options;
    throw new OrreryError('ORR_USAGE', `set ${path}: it would change nothing: ${nothing.reason}`);
  } catch (cause) {
    if (!(cause instanceof OrreryError) || cause.code !== 'ORR_BAD_FILE') throw cause;
    const known = Object.keys(FIGURES).join(', ');
    const why = cause.message.replace(/^set:\d+:\d+ /, '');
    const [, hint] = /^[^ ]*: unknown key; (did you mean .*)$/.exec(why) ?? [];
    const figure = nearest(path, Object.keys(FIGURES));
    const meant = figure === undefined ? hint : `did you mean "${figure}"?`;
    const what = /^[^ ]*: unknown key/.test(why)
      ? `set ${path}: neither one of ${known} nor a field of the policy${meant === undefined ? ', which docs/reference/policy.md lists' : `; ${meant}`}`
      : `set ${why}`;
    throw new OrreryError('ORR_USAGE', what, { cause });
  }
}

/** `sched_interval` and its like are about passes at times: a policy that has none passes whenever something changed. */
function withCadence(cadence: unknown, name: string, value: unknown): unknown {
  if (typeof cadence !== 'object' || cadence === null) {
    throw new OrreryError(
      'ORR_USAGE',
      `set ${name}: it would change nothing without a cadence, which a slurm.conf has: set cadence.schedIntervalSeconds and backfillType=conservative for one`,
    );
  }
  const change = cadenceChange(name, value);
  if (typeof change !== 'string') return { ...cadence, ...change };
  throw new OrreryError('ORR_USAGE', `set ${name}: expected ${change}, got ${JSON.stringify(value)}`);
}

function asMap(map: Record<string, unknown>, key: string): Record<string, unknown> {
  const found = map[key];
  const inner = typeof found === 'object' && found !== null ? { ...found } : {};
  map[key] = inner;
  return inner;
}

function valueOf(text: string): string | number | boolean | null {
  if (text === 'true' || text === 'false') return text === 'true';
  if (text === 'null') return null;
  return Number.isNaN(Number(text)) ? text : Number(text);
}

function isFigure(name: string): name is keyof typeof FIGURES {
  return Object.hasOwn(FIGURES, name);
}
