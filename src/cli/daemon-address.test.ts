import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { daemonAddress } from './daemon-address.ts';

let home = '';
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'orrery-address-'));
  writeFileSync(join(home, 'token'), 'secret\n');
});
afterEach(() => rmSync(home, { recursive: true }));

const BOOT_ID = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
const here = { url: 'http://127.0.0.1:7077', token: 'secret' };

function tell(fields: object): void {
  const file = { pid: 12, url: here.url, home, version: '1.2.3', startTime: 0, policy: 'slurm', ...fields };
  writeFileSync(join(home, 'daemon.json'), JSON.stringify(file));
}

describe('the daemon of a home', () => {
  it('is named with its machine where that is another one, with which this one shares the home', () => {
    tell({ host: 'login7', bootId: 'other' });
    expect(() => daemonAddress(home)).toThrow(
      `the daemon of ${home} runs on login7, and listens there alone: run orrery there, as in ssh login7 orrery queue`,
    );
  });

  it.each<[where: string, fields: object]>([
    ['on this machine', { host: hostname(), bootId: BOOT_ID }],
    ['on this machine before it began anew', { host: hostname(), bootId: 'other' }],
    ['on this machine, which has another name now', { host: 'laptop-at-home', bootId: BOOT_ID }],
    ['where an older daemon does not say', {}],
  ])('is asked at its address %s', (_where, fields) => {
    tell(fields);
    expect(daemonAddress(home)).toEqual(here);
  });

  it('is asked on another machine where it listens for others', () => {
    tell({ host: 'login7', bootId: 'other', url: 'http://10.0.0.7:7077' });
    expect(daemonAddress(home).url).toBe('http://10.0.0.7:7077');
  });
});
