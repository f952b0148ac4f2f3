import { readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { OrreryError } from '../../contract/errors.ts';
import { fieldsWithoutEffect } from '../../formats/fields-without-effect.ts';
import { parsePolicyFile } from '../../formats/policy-file.ts';
import type { ScenarioFields } from '../../formats/scenario-file.ts';
import { type ConfText, parseSlurmConf, type SlurmConf } from '../../formats/slurm-conf.ts';
import type { JobRules } from '../../formats/slurm-job-rules.ts';
import { completePolicy, type SchedulerOptions } from '../../scheduler/policy.ts';
import { INSTANT, type Timing } from '../../twin/scenario.ts';
import { readText } from '../read-text.ts';
import { catalogueFile, isPath } from '../catalogue-file.ts';
import { type Overrides, withPolicyOverrides } from './overrides.ts';
import { examplesOf, type ReadingRemark } from './simulation-inputs.ts';

export interface ScenarioPolicy {
  name: string;
  options: SchedulerOptions;
  timing: Timing;
  /** Null where the policy is not a slurm.conf's. */
  slurm: SlurmConf | null;
  /** Null: jobs have what they ask for. */
  rules: JobRules | null;
  remarks: readonly ReadingRemark[];
}

/**
 * The policy of a scenario: of a slurm.conf, of a policy file, or the default of its jobs (`defaultName`; null: first in, first out with EASY
 * backfill); then what is set. Throws ORR_BAD_FILE, ORR_USAGE.
 */
export async function policyOf(
  fields: ScenarioFields,
  overrides: Overrides,
  defaultName: string | null,
): Promise<ScenarioPolicy> {
  const { slurmConf } = fields;
  const base = slurmConf === undefined ? await ofFile(fields.policy ?? defaultName) : await ofSlurm(slurmConf, fields);
  const options = withPolicyOverrides(base.options, overrides.policy);
  try {
    completePolicy(options);
  } catch (cause) {
    if (cause instanceof RangeError)
      throw new OrreryError('ORR_USAGE', `policy ${base.name}: ${cause.message}`, { cause });
    throw cause;
  }
  // A slurm.conf means what Slurm makes of it.
  const idle = base.slurm === null ? fieldsWithoutEffect(options) : [];
  return {
    ...base,
    options,
    remarks: [...base.remarks, ...remarkOn(idle, base.name, ['has no effect', 'have no effect'])],
  };
}

async function ofFile(nameOrFile: string | null): Promise<ScenarioPolicy> {
  if (nameOrFile === null)
    return { name: 'default', options: {}, timing: INSTANT, slurm: null, rules: null, remarks: [] };
  const path = catalogueFile('policy', nameOrFile);
  const { options, timing, rules, ignored } = parsePolicyFile(await readText(path), basename(path));
  return {
    name: isPath(nameOrFile) ? basename(nameOrFile) : nameOrFile,
    options,
    timing: timing ?? INSTANT,
    slurm: null,
    rules,
    remarks: remarkOn(ignored, basename(path), NOT_MODELLED),
  };
}

async function ofSlurm(path: string, fields: ScenarioFields): Promise<ScenarioPolicy> {
  const { topologyConf, qosDump, assocDump } = fields;
  const conf = await confText(path);
  const [topology, qos, associations] = await Promise.all([topologyConf, qosDump, assocDump].map(optionalText));
  const slurm = parseSlurmConf({
    conf,
    // Whoever has a copy of the files has them in one folder, wherever they lie on the cluster.
    include: (included) =>
      includedText(resolve(dirname(path), included)) ?? includedText(join(dirname(path), basename(included))),
    ...(topology !== undefined && { topology }),
    ...(qos !== undefined && { qos }),
    ...(associations !== undefined && { associations }),
  });
  return {
    name: basename(path),
    options: slurm.policy,
    timing: slurm.timing,
    slurm,
    rules: slurm.rules,
    remarks: remarkOn(
      slurm.ignored.map(({ file, line, key, reason }) => ({ key: `${file}:${line} ${key}`, reason })),
      basename(path),
      NOT_MODELLED,
    ),
  };
}

async function confText(path: string): Promise<ConfText> {
  return { name: basename(path), text: await readText(path) };
}

async function optionalText(path: string | undefined): Promise<ConfText | undefined> {
  return path === undefined ? undefined : await confText(path);
}

function includedText(path: string): ConfText | undefined {
  try {
    return { name: basename(path), text: readFileSync(path, 'utf8') };
  } catch {
    // The reader names the line that asks for it.
    return undefined;
  }
}

const NOT_MODELLED = ['is not modelled', 'are not modelled'] as const;

function remarkOn(
  settings: readonly { key: string; reason: string }[],
  file: string,
  [ofOne, ofSeveral]: readonly [string, string],
): ReadingRemark[] {
  if (settings.length === 0) return [];
  const what =
    settings.length === 1 ? `1 setting of ${file} ${ofOne}` : `${settings.length} settings of ${file} ${ofSeveral}`;
  return [{ what, examples: examplesOf(settings, ({ key, reason }) => `${key}: ${reason}`) }];
}
