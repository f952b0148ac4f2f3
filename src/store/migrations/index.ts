import { JOURNAL_0001 } from './0001-journal.ts';
import { LIVE_POLICY_0002 } from './0002-live-policy.ts';
import { WAIT_RULE_0003 } from './0003-wait-rule.ts';

/** In order; migration N (counted from 1) brings a store of version N - 1 to version N. Never edited once released, only added to. */
export const MIGRATIONS: readonly string[] = [JOURNAL_0001, LIVE_POLICY_0002, WAIT_RULE_0003];
