import { basename, dirname, join } from 'node:path';
import type { NodeSpec } from '../cluster/node.ts';
import { OrreryError } from '../contract/errors.ts';
import { fieldsWithoutEffect } from '../formats/fields-without-effect.ts';
import { parsePolicyFile } from '../formats/policy-file.ts';
import { knownNames } from '../scheduler/known-names.ts';
import { completePolicy, type Policy, SCHEDULER_TYPES, type SchedulerOptions } from '../scheduler/policy.ts';
import { createScheduler } from '../scheduler/scheduler.ts';
import { readInputFile } from './input-file.ts';
import { packageFolder } from './package.ts';

/** The rules of a live daemon. */
export interface LivePolicy {
  name: string;
  options: SchedulerOptions;
  /** The same with its defaults. */
  policy: Policy;
  /** Lemon nodes are drained, not only told of. */
  isDrainingLemons: boolean;
  /** What of the file has no meaning here, one line each. */
  remarks: readonly string[];
}

/** Name of the policy without a policy. */
export const DEFAULT_POLICY = 'default';

/** As journalled at the start of a daemon. */
interface Recorded {
  policy: string;
  policyName?: string;
  isDrainingLemons?: boolean;
}

/** From a policy file, named as it is or as it is in the catalogue. Throws ORR_BAD_FILE with one line: what is wrong, or which node is not there. */
export function readLivePolicy(path: string, nodes: readonly NodeSpec[]): LivePolicy {
  const file = basename(path);
  const isCatalogued = dirname(path) === join(packageFolder, 'catalog', 'policies');
  const name = isCatalogued ? basename(path, '.yaml') : file;
  const { options, timing, lemons, ignored } = parsePolicyFile(readInputFile(path, 'policy file'), file);
  if (options.reservations !== undefined) {
    throw new OrreryError(
      'ORR_BAD_FILE',
      `${file}: reservations: their times are those of a simulation; live ones are made with orrery reservations create`,
    );
  }
  const remarks = ignored.map(({ key, reason }) => `${key} changes nothing: ${reason}`);
  remarks.push(...fieldsWithoutEffect(options).map(({ key, reason }) => `${key}: ${reason}`));
  if (timing !== null) remarks.push('timing is for simulations: live jobs take the time they take');
  return livePolicy(name, options, lemons === 'drain', nodes, remarks, file);
}

/** What the last daemon of this home went by; the default where there was none. Throws ORR_BAD_FILE where a node is gone that it names. */
export function recordedPolicy(recorded: Recorded | undefined, nodes: readonly NodeSpec[]): LivePolicy {
  if (recorded?.policyName === undefined) return livePolicy(DEFAULT_POLICY, {}, false, nodes);
  const { policy, policyName, isDrainingLemons = false } = recorded;
  const options: SchedulerOptions = JSON.parse(policy);
  return livePolicy(policyName, options, isDrainingLemons, nodes, [], `policy ${policyName}, which this home goes by`);
}

export function livePolicy(
  name: string,
  options: SchedulerOptions,
  isDrainingLemons: boolean,
  nodes: readonly NodeSpec[],
  remarks: readonly string[] = [],
  place = name,
): LivePolicy {
  const nodeNames = nodes.map((node) => node.name);
  const known = new Set(nodeNames);
  for (const partition of options.partitions ?? []) {
    const stranger = partition.nodes?.find((nodeName) => !known.has(nodeName));
    if (stranger === undefined) continue;
    throw new OrreryError(
      'ORR_BAD_FILE',
      `${place}: partition ${partition.name}: no node ${JSON.stringify(stranger)} here: ${knownNames(nodeNames)}`,
    );
  }
  try {
    createScheduler(options);
    return { name, options, policy: completePolicy(options), isDrainingLemons, remarks };
  } catch (cause) {
    if (cause instanceof RangeError) throw new OrreryError('ORR_BAD_FILE', `${place}: ${cause.message}`, { cause });
    throw cause;
  }
}

/** What a journal says of the rules, so that a replay follows them and the next daemon of the home goes by them. */
export function toRecord({ name, options, isDrainingLemons }: LivePolicy): Required<Recorded> | { policy: string } {
  const isNamed = name !== DEFAULT_POLICY;
  if (isNamed) return { policy: JSON.stringify(options), policyName: name, isDrainingLemons };
  return { policy: options.schedulerType ?? SCHEDULER_TYPES[1] };
}
