import { OrreryError } from '../contract/errors.ts';
import type { CarriedUse } from '../scheduler/core-types.ts';
import { Columns, eachRecord, OPEN_QUOTE } from './delimited-rows.ts';

const COLUMNS = ['account', 'user', 'billing_s', 'fairshare_factor'] as const;

/** What each user of each account has used, for `readUsageCsv`. */
export function usageCsvText(uses: readonly CarriedUse[]): string {
  const lines = uses.map(({ account, user, billingSeconds, factor }) =>
    [account, user, billingSeconds, factor ?? ''].join(','),
  );
  return `${[COLUMNS.join(','), ...lines].join('\n')}\n`;
}

/**
 * Use so far, in billing seconds with what has faded taken off, by account and user; `fairshare_factor` is the factor in force, empty where it is
 * to be worked out. Throws ORR_BAD_FILE.
 */
export function readUsageCsv(text: string, fileName: string): CarriedUse[] {
  const uses: CarriedUse[] = [];
  let columns: Columns | null = null;
  const bad = (line: number, what: string) => new OrreryError('ORR_BAD_FILE', `${fileName}:${line} ${what}`);
  const visit = (fields: readonly string[], line: number) => {
    if (columns === null) {
      columns = new Columns(fields);
      const missing = COLUMNS.slice(0, 3).filter((name) => columns?.has(name) !== true);
      if (missing.length > 0) throw bad(line, `missing column ${missing.join(', ')}`);
      return;
    }
    const of = (name: (typeof COLUMNS)[number]) => columns?.reader(name)(fields) ?? '';
    const [account, user] = [of('account'), of('user')];
    if (account === '' || user === '') throw bad(line, 'expected an account and a user');
    const [seconds, factor] = [Number(of('billing_s')), Number(of('fairshare_factor'))];
    if (!(seconds >= 0)) throw bad(line, `billing_s: expected seconds >= 0, got "${of('billing_s')}"`);
    if (!(factor >= 0 && factor <= 1)) {
      throw bad(line, `fairshare_factor: expected a number from 0 to 1, got "${of('fairshare_factor')}"`);
    }
    uses.push({ account, user, billingSeconds: seconds, ...(of('fairshare_factor') !== '' && { factor }) });
  };
  const onOpen = (line: number, found: string) => {
    throw bad(line, `${OPEN_QUOTE}: ${found}`);
  };
  eachRecord(text, ',', visit, { onOpen });
  return uses;
}
