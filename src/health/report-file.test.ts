import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { HEALTH_STATUSES, type HealthReport, type XidError } from '../contract/health.ts';
import { NODE_REPORT_BYTES_MAX, nodeReportSchema } from '../contract/node-report.ts';
import { canMountHung, mountHung } from './hung-mount.test-support.ts';
import { thisMachine } from './machine.ts';
import { leaveReport, nodeReport } from './report-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'orrery-report-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const hasFuse = canMountHung(join(folder, 'probe'));
const NOW_MS = Date.UTC(2026, 4, 6, 12);
const HOUR_MS = 3_600_000;

const xid = (number: number, ago: number, pciAddress: string | null = '0000:3b:00'): XidError => ({
  xid: number,
  pciAddress,
  atMs: NOW_MS - ago,
  message: `NVRM: Xid (PCI:${pciAddress}): ${number}, pid=1, name=secret-project`,
  severity: 'application',
});
const reportOf = (more: Partial<HealthReport> = {}): HealthReport => ({
  node: 's1',
  occasion: 'epilog',
  atTime: NOW_MS / 1000,
  status: 'ok',
  results: [],
  xids: [],
  gpuPciAddresses: [],
  ...more,
});
const bad = { name: 'fire', severity: 'high', status: 'critical', message: 'smoke', durationMs: 1 } as const;

let shared = '';
beforeEach(() => {
  shared = mkdtempSync(join(folder, 'shared-'));
});
const leave = (report: HealthReport, into = shared) => leaveReport(thisMachine(), into, report);
const files = () => readdirSync(shared).sort();
const content = () => nodeReportSchema.parse(JSON.parse(readFileSync(join(shared, files()[0] ?? ''), 'utf8')));

describe('the report of a node', () => {
  it('is one file that all may read, of the time at which the checks ran', async () => {
    expect(await leave(reportOf({ xids: [xid(31, 5 * HOUR_MS)], results: [bad] }))).toBeNull();
    expect(files()).toEqual([expect.stringMatching(/^s1\.[0-9a-f]{8}\.json$/)]);
    const { mode, mtimeMs } = statSync(join(shared, files()[0] ?? ''));
    expect([mode & 0o777, mtimeMs]).toEqual([0o644, NOW_MS]);
    expect(content()).toEqual({
      version: 1,
      node: 's1',
      occasion: 'epilog',
      atTime: NOW_MS / 1000,
      results: [{ name: 'fire', severity: 'high', status: 'critical', message: 'smoke' }],
      xids: [{ xid: 31, pciAddress: '0000:3b:00', atTime: NOW_MS / 1000 - 5 * 3600, severity: 'application' }],
    });
    expect(readFileSync(join(shared, files()[0] ?? ''), 'utf8')).not.toContain('secret-project');
  });

  it('is written again only where there is something new', async () => {
    await leave(reportOf({ xids: [xid(31, 5 * HOUR_MS)] }));
    const { ino } = statSync(join(shared, files()[0] ?? ''));
    const inode = () => statSync(join(shared, files()[0] ?? '')).ino;
    const later = { atTime: NOW_MS / 1000 + 3600 };
    expect(await leave(reportOf({ ...later, xids: [xid(31, 5 * HOUR_MS)] }))).toBeNull();
    expect(inode()).toBe(ino);
    expect(await leave(reportOf({ ...later, xids: [xid(31, 5 * HOUR_MS), xid(79, -HOUR_MS / 2)] }))).toBeNull();
    expect(inode()).not.toBe(ino);
    expect(content().xids.map((error) => error.xid)).toEqual([79, 31]);
    const second = inode();
    expect(await leave(reportOf({ ...later, xids: [xid(31, 5 * HOUR_MS)], results: [bad] }))).toBeNull();
    expect(inode()).not.toBe(second);
  });

  it('takes the place of no report of another start or node, and takes its own old ones away', async () => {
    const old = new Date(NOW_MS - 40 * 24 * HOUR_MS);
    for (const name of ['s1.aaaaaaaa.json', 's2.aaaaaaaa.json', 's1.x.aaaaaaaa.json', 's1.bbbbbbbb.json']) {
      writeFileSync(join(shared, name), '{}');
      if (!name.includes('bbbb')) utimesSync(join(shared, name), old, old);
    }
    await leave(reportOf({ results: [bad] }));
    expect(files().filter((name) => /aaaa|bbbb/.test(name))).toEqual([
      's1.bbbbbbbb.json',
      's1.x.aaaaaaaa.json',
      's2.aaaaaaaa.json',
    ]);
  });

  it('follows no link and enters no folder that stands in its place', async () => {
    await leave(reportOf({ results: [bad] }));
    const name = files()[0] ?? '';
    const outside = join(folder, 'outside');
    writeFileSync(outside, 'mine');
    rmSync(join(shared, name));
    symlinkSync(outside, join(shared, name));
    expect(await leave(reportOf({ results: [bad] }))).toBeNull();
    expect(readFileSync(outside, 'utf8')).toBe('mine');
    expect(content().node).toBe('s1');
    rmSync(join(shared, name));
    mkdirSync(join(shared, name));
    expect(await leave(reportOf({ results: [bad] }))).toMatch(/^no report in .*cannot overwrite directory/);
    expect([files(), readdirSync(join(shared, name))]).toEqual([[name], []]);
  });

  it('is left out, and why is said, where it cannot be written', async () => {
    const gone = join(shared, 'gone');
    expect(await leave(reportOf({ results: [bad] }), gone)).toMatch(/^no report in .*gone: mktemp: .*No such file/);
    expect(await leave(reportOf({ node: '../s1', results: [bad] }))).toContain('cannot be the name of a file');
    expect(files()).toEqual([]);
  });

  it.runIf(hasFuse)('is not waited for where the file server hangs', { timeout: 30_000 }, async () => {
    const path = join(shared, 'hung');
    const end = mountHung(path);
    try {
      const startedAt = performance.now();
      expect(await leave(reportOf({ results: [bad] }), path)).toBe(`no report: ${path} hangs: no answer within 3 s`);
      expect(await leave(reportOf({ xids: [xid(31, HOUR_MS)] }), path)).toMatch(/hangs/);
      expect(performance.now() - startedAt).toBeLessThan(10_000);
    } finally {
      end();
    }
  });

  it('is as the daemon takes it and small, whatever was found', () => {
    const results = fc.array(
      fc.record({
        name: fc.string({ minLength: 1, maxLength: 300 }),
        severity: fc.constantFrom('high' as const, 'low' as const),
        status: fc.constantFrom(...HEALTH_STATUSES),
        message: fc.string({ unit: 'binary', maxLength: 200 }),
        durationMs: fc.nat(),
      }),
      { maxLength: 200, size: 'max' },
    );
    const xids = fc.array(
      fc.record({
        xid: fc.nat(100_000),
        pciAddress: fc.constantFrom(null, '0000:3b:00', '0000:dc:00'),
        atMs: fc.integer({ min: 0, max: NOW_MS }),
        message: fc.string(),
        severity: fc.constantFrom('high' as const, 'low' as const, 'application' as const),
      }),
      { maxLength: 2000, size: 'max' },
    );
    fc.assert(
      fc.property(results, xids, (found, errors) => {
        const text = JSON.stringify(nodeReport(reportOf({ results: found, xids: errors })));
        expect(Buffer.byteLength(text)).toBeLessThan(NODE_REPORT_BYTES_MAX);
        const { xids: kept } = nodeReportSchema.parse(JSON.parse(text));
        // The newest of each kind are there.
        expect(kept.map(({ atTime }) => atTime)).toEqual(kept.map(({ atTime }) => atTime).toSorted((a, b) => b - a));
      }),
      { numRuns: 40 },
    );
  });
});
