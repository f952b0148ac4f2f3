import { DEFAULT_ACCOUNT, DEFAULT_QOS } from './default-names.ts';
import { knownNames } from './known-names.ts';
import { partitionNames } from './partition-names.ts';
import type { Policy } from './policy.ts';
import type { JobRequest } from './types.ts';

/**
 * The first name in the request that the policy does not have, in one line; null for none. A policy without QOS, accounts or partitions takes
 * any name for them. QOS `normal` and account `default` are those of jobs that name none.
 */
export function unknownName(policy: Policy, request: JobRequest): string | null {
  const { qos = DEFAULT_QOS, account = DEFAULT_ACCOUNT, partition } = request;
  for (const name of partitionNames(partition)) {
    const fault = name === undefined ? null : faultOf('partition', name, policy.partitions);
    if (fault !== null) return fault;
  }
  const accountFault = account === DEFAULT_ACCOUNT ? null : faultOf('account', account, policy.accounts);
  if (accountFault !== null) return accountFault;
  return qos === DEFAULT_QOS ? null : faultOf('QOS', qos, policy.qos);
}

function faultOf(what: string, name: string, known: readonly { name: string }[]): string | null {
  if (known.length === 0 || known.some((entry) => entry.name === name)) return null;
  return `no ${what} ${JSON.stringify(name)}: ${knownNames(known.map((entry) => entry.name))}`;
}
