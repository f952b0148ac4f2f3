import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { healthExpectationSchema } from '../contract/health.ts';
import { canMount, withSmallDisk } from '../store/small-disk.test-support.ts';
import { canMountHung, mountHung } from './hung-mount.test-support.ts';
import { thisMachine } from './machine.ts';
import { parseFileSystemUse, parseMounts } from './mount-table.ts';
import { runChecks } from './run-checks.ts';
import { STORAGE_CHECKS } from './storage-checks.ts';

const folder = mkdtempSync(join(tmpdir(), 'orrery-storage-'));
afterAll(() => rmSync(folder, { recursive: true }));
const hasFuse = canMountHung(join(folder, 'probe'));

async function run(expected: object): Promise<Record<string, string>> {
  const report = await runChecks({
    checks: STORAGE_CHECKS,
    machine: thisMachine(),
    expect: healthExpectationSchema.parse(expected),
    occasion: null,
    node: 'n1',
  });
  return Object.fromEntries(report.results.map(({ name, status, message }) => [name, `${status}: ${message}`]));
}

describe('the disks of this machine', () => {
  it('are looked at where nothing is said', async () => {
    expect((await run({}))['disk-space']).toMatch(/^(ok: enough on \/; \/tmp|critical: )/);
  });

  it('may not be there', async () => {
    expect((await run({ disks: [{ path: '/no/such/folder' }] }))['disk-space']).toBe(
      'unknown: cannot be read: /no/such/folder',
    );
  });

  it.runIf(canMount)('are full when they are', async () => {
    await withSmallDisk(folder, async (path, fill, free) => {
      expect((await run({ disks: [{ path }] }))['disk-space']).toBe(`ok: enough on ${path}`);
      fill();
      expect((await run({ disks: [{ path }] }))['disk-space']).toBe(`critical: ${path} has 0.0 % free`);
      const cannotWrite = await run({ mounts: [{ path, writable: true }] });
      expect(cannotWrite['mounts']).toBe('ok: 1 mounts answer');
      free();
      expect((await run({ disks: [{ path }] }))['disk-space']).toMatch(/^ok/);
    });
  });

  it.runIf(canMount)('have no room for files when their inodes are used up', async () => {
    const path = join(folder, 'few');
    mkdirSync(path);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,nr_inodes=12', 'tmpfs', path]);
    try {
      for (let file = 0; file < 11; file += 1) writeFileSync(join(path, String(file)), '');
      const found = await run({ disks: [{ path }], mounts: [{ path, writable: true }] });
      expect(found['disk-space']).toMatch(/^ok/);
      expect(found['disk-inodes']).toBe(`critical: ${path} has 0.0 % of its inodes free`);
      expect(found['mounts']).toMatch(/^critical: .*few is not writable: mktemp: .*No space left on device$/);
    } finally {
      execFileSync('umount', ['-l', path]);
    }
  });
});

describe('expected mounts', () => {
  it('are there, of their type, writable, and nothing is left behind', async () => {
    const before = readdirSync('/dev/shm');
    expect(
      (await run({ mounts: [{ path: '/dev/shm', type: 'tmpfs', writable: true }, { path: '/proc' }] }))['mounts'],
    ).toBe('ok: 2 mounts answer');
    expect(
      readdirSync('/dev/shm').filter((name) => name.startsWith('.orrery-health-') && !before.includes(name)),
    ).toEqual([]);
  });

  it('are missed, each', async () => {
    expect((await run({ mounts: [{ path: '/checkpoint' }, { path: '/proc', type: 'nfs4' }] }))['mounts']).toBe(
      'critical: /checkpoint is not mounted; /proc is proc, expected nfs4',
    );
  });

  it.runIf(canMount)('are not writable where they are read-only', async () => {
    const path = join(folder, 'with blank');
    mkdirSync(path);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'tmpfs', path]);
    try {
      expect((await run({ mounts: [{ path }] }))['mounts']).toBe('ok: 1 mounts answer');
      expect((await run({ mounts: [{ path, writable: true }] }))['mounts']).toBe(
        `critical: ${path} is mounted read-only`,
      );
    } finally {
      execFileSync('umount', ['-l', path]);
    }
  });

  it.runIf(hasFuse)('hang, and the check does not', async () => {
    const path = join(folder, 'hung');
    const end = mountHung(path);
    try {
      const startMs = performance.now();
      const found = await run({ mounts: [{ path, writable: true, timeoutSeconds: 0.5 }, { path: '/proc' }] });
      expect(found['mounts']).toBe(`critical: ${path} hangs: no answer within 0.5 s`);
      expect(performance.now() - startMs).toBeLessThan(10_000);
    } finally {
      end();
    }
  });
});

describe('what the system writes', () => {
  it('is read in the table of mounts of this machine', async () => {
    const mounts = parseMounts((await thisMachine().read('/proc/self/mounts')) ?? '');
    expect(mounts?.find(({ path }) => path === '/proc')).toMatchObject({ type: 'proc' });
    expect(parseMounts('srv:/a\\040b /mnt/a\\040b nfs4 rw,vers=4.2 0 0\n')).toEqual([
      { source: 'srv:/a b', path: '/mnt/a b', type: 'nfs4', isReadOnly: false },
    ]);
  });

  it("counts as df does: what is kept for root is nobody's", () => {
    // 1,000 blocks, 300 free, 100 of them for root: of 900 usable ones 200 are free.
    expect(parseFileSystemUse('200 300 1000 5 10\n')).toEqual({
      freePercent: (100 * 200) / 900,
      inodesFreePercent: 50,
    });
    expect(parseFileSystemUse('1 1 1 0 0\n')?.inodesFreePercent).toBeNull();
  });

  it('is nothing else', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect([parseFileSystemUse(text), parseMounts(text)]).toEqual([null, null]);
      }),
    );
  });
});
