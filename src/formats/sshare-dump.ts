import type { CarriedUse } from '../scheduler/core-types.ts';
import { dumpRecords } from './slurm-accounting.ts';
import type { ConfText } from './slurm-conf-lines.ts';

/** What each user of each account has used, with what has faded taken off, and the factor in force, from `sshare -alP`. Throws ORR_BAD_FILE. */
export function readSshareDump(dump: ConfText): CarriedUse[] {
  return dumpRecords(dump, ['Account', 'User', 'RawUsage'], 'sshare -alP', []).flatMap((record) => {
    const [account, user] = [record.text('Account'), record.text('User')];
    const billingSeconds = record.number('RawUsage') ?? 0;
    if (user === '') return [];
    const factor = record.number('FairShare');
    return [{ account, user, billingSeconds, ...(factor !== null && { factor }) }];
  });
}
