import type { PartitionPolicy } from '../scheduler/policy.ts';
import type { ConfLine, IgnoredSetting } from './slurm-conf-lines.ts';

type Access = Pick<PartitionPolicy, 'allowAccounts' | 'denyAccounts' | 'allowQos' | 'denyQos' | 'qos'>;

const LISTS = [
  { allow: 'AllowAccounts', deny: 'DenyAccounts', fields: ['allowAccounts', 'denyAccounts'] },
  { allow: 'AllowQos', deny: 'DenyQos', fields: ['allowQos', 'denyQos'] },
] as const;

const NO_DATABASE = 'without AccountingStorageType=accounting_storage/slurmdbd Slurm knows of no job whose it is';

/** What is known of accounts and QOS. */
export interface AccessContext {
  /** Slurm knows of none. */
  isWithoutDatabase: boolean;
  /** Of the dump; null where there is none. */
  knownQos: readonly { name: string }[] | null;
}

/** Whose jobs a partition takes, and the QOS whose limits it puts on them. Accounts and QOS are in lower case, as accounting has them. */
export function readPartitionAccess(
  line: ConfLine,
  { isWithoutDatabase, knownQos }: AccessContext,
  ignored: IgnoredSetting[],
): Access {
  const access: Access = {};
  const name = line.values.get('partitionname') ?? '';
  const ignore = (key: string, reason: string) => {
    ignored.push({ ...line, key: `PartitionName=${name} ${key}=${line.values.get(key.toLowerCase()) ?? ''}`, reason });
  };
  for (const { allow, deny, fields } of LISTS) {
    const [allowed, denied] = [allow, deny].map((key) => namesOf(line.values.get(key.toLowerCase())));
    if (isWithoutDatabase) {
      for (const key of [allow, deny])
        if (namesOf(line.values.get(key.toLowerCase())) !== null) ignore(key, NO_DATABASE);
    } else if (allowed) {
      access[fields[0]] = allowed;
      if (denied) ignore(deny, `beside ${allow} it says nothing, as in Slurm`);
    } else if (denied) access[fields[1]] = denied;
  }
  const qos = namesOf(line.values.get('qos'))?.[0];
  if (qos === undefined) return access;
  if (isWithoutDatabase) ignore('QOS', NO_DATABASE);
  else if (knownQos === null) ignore('QOS', 'what it limits is in the dump of QOS alone: give that too');
  else if (knownQos.some(({ name: known }) => known === qos)) access.qos = qos;
  else ignore('QOS', 'the dump of QOS has none of this name, and nothing is limited by it');
  return access;
}

/** Null where nobody has set any. */
function namesOf(text = ''): string[] | null {
  if (/^(?:ALL|N\/A|\(null\)|)$/i.test(text)) return null;
  return text
    .toLowerCase()
    .split(',')
    .filter((name) => name !== '');
}
