import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NODE_REPORT_BYTES_MAX, type NodeReport } from '../../contract/node-report.ts';
import { Store } from '../../store/store.ts';
import { NodeReports } from './node-reports.ts';
import { XidJournal } from './xid-journal.ts';

const DAY_MS = 86_400_000;
const NOW_MS = 20_000 * DAY_MS + DAY_MS / 2;
/** Neither root nor anybody else who is trusted. */
const STRANGER = 54_321;
const isRoot = process.getuid?.() === 0;

let home = '';
let folder = '';
let store: Store;
let nowMs = NOW_MS;
let said: string[] = [];
const open: NodeReports[] = [];

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'orrery-reports-'));
  folder = join(home, 'shared');
  mkdirSync(folder);
  store = new Store(join(home, 'orrery.db'));
  nowMs = NOW_MS;
  said = [];
});
afterEach(() => {
  for (const reports of open.splice(0)) reports.close();
  store.close();
  rmSync(home, { recursive: true });
});

function watch(more: { trustedUserIds?: number[] } = {}): NodeReports {
  const log = (fields: object, message: string) => said.push(`${message} ${JSON.stringify(fields)}`);
  const reports = new NodeReports({
    folder,
    trustedUserIds: [0, process.getuid?.() ?? 0],
    nodeNames: () => ['s1', 's2', 's1.x'],
    xids: new XidJournal(store),
    windowDays: 28,
    now: () => nowMs,
    log: { info: log, error: log },
    ...more,
  });
  open.push(reports);
  return reports;
}
/** A daemon that looks twice and stops. */
async function look(): Promise<NodeReports> {
  const reports = watch();
  await reports.look();
  await reports.look();
  return reports;
}

const error = (xid: number, daysAgo = 0.1, pciAddress: string | null = null): NodeReport['xids'][number] => ({
  xid,
  pciAddress,
  atTime: (NOW_MS - daysAgo * DAY_MS) / 1000,
  severity: 'low',
});
const reportOf = (node: string, xids: NodeReport['xids'], more: Partial<NodeReport> = {}): NodeReport => ({
  version: 1,
  node,
  occasion: 'epilog',
  atTime: NOW_MS / 1000,
  results: [],
  xids,
  ...more,
});
/** As nodes do it: under another name first. */
function leave(fileName: string, report: unknown): string {
  const path = join(folder, fileName);
  writeFileSync(`${path}.half`, typeof report === 'string' ? report : JSON.stringify(report));
  renameSync(`${path}.half`, path);
  return path;
}
const journalled = () =>
  [...store.nodeHistory(0)].flatMap((event) =>
    event.kind === 'XidSeen' ? [`${event.nodeName} ${event.xid} ${(NOW_MS - event.atMs) / DAY_MS}`] : [],
  );

describe('reports that nodes leave in a folder', () => {
  it('are journalled once for each node, number and day, by any number of looks, rewritings and daemons', async () => {
    leave('s1.0a1b2c3d.json', reportOf('s1', [error(79, 1, '0000:3b:00'), error(79, 1, '0000:dc:00'), error(31)]));
    leave('s2.0a1b2c3d.json', reportOf('s2', [error(79, 1)]));
    await look();
    expect(journalled().sort()).toEqual(['s1 31 0.1', 's1 79 1', 's2 79 1']);
    leave('s1.0a1b2c3d.json', reportOf('s1', [error(79, 1), error(31), error(48)]));
    await look();
    // Started again since: what was before is in both.
    leave('s1.ffffffff.json', reportOf('s1', [error(31)]));
    await look();
    expect(journalled().sort()).toEqual(['s1 31 0.1', 's1 48 0.1', 's1 79 1', 's2 79 1']);
  });

  it('say nothing new the second time, whatever they are', async () => {
    const xids = fc.array(
      fc
        .record({
          xid: fc.nat(200),
          pciAddress: fc.constantFrom(null, '0000:3b:00'),
          // Also of the future, and of long ago.
          daysAgo: fc.double({ min: -2, max: 40, noNaN: true }),
        })
        .map(({ xid, pciAddress, daysAgo }) => error(xid, daysAgo, pciAddress)),
      { maxLength: 30 },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.constantFrom('s1', 's2'), xids), { maxLength: 6 }), async (found) => {
        for (const [index, [node, errors]] of found.entries()) {
          leave(`${node}.0000000${index}.json`, reportOf(node, errors));
        }
        await look();
        const first = journalled();
        await look();
        expect(journalled()).toEqual(first);
        const days = first.map((line) => line.split(' ').map(Number));
        expect(days.every(([, , daysAgo = 0]) => daysAgo >= 0 && daysAgo < 28)).toBe(true);
        // Of all that was told and has happened nothing is missing.
        const told = found.flatMap(([node, errors]) =>
          errors
            .filter(({ atTime }) => atTime * 1000 <= NOW_MS && atTime * 1000 > NOW_MS - 27 * DAY_MS)
            .map(({ xid, atTime }) => `${node} ${xid} ${Math.floor(Math.round(atTime * 1000) / DAY_MS)}`),
        );
        const kept = new Set(
          [...store.nodeHistory(0)].flatMap((event) =>
            event.kind === 'XidSeen' ? [`${event.nodeName} ${event.xid} ${Math.floor(event.atMs / DAY_MS)}`] : [],
          ),
        );
        expect(told.filter((key) => !kept.has(key))).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });

  it('of a clock that is ahead count once their time has come', async () => {
    leave('s1.0a1b2c3d.json', reportOf('s1', [error(48, -0.25), error(31)]));
    const reports = await look();
    expect(journalled()).toEqual(['s1 31 0.1']);
    nowMs = NOW_MS + DAY_MS / 2;
    await reports.look();
    expect(journalled()).toEqual(['s1 31 0.1', 's1 48 -0.25']);
  });

  it('are shown, the newest of each node', async () => {
    const result = { name: 'gpu-ecc', severity: 'high', status: 'critical', message: 'rows' } as const;
    leave('s1.0a1b2c3d.json', reportOf('s1', [], { atTime: 10, results: [result] }));
    leave('s1.ffffffff.json', reportOf('s1', [], { atTime: 5 }));
    const reports = await look();
    expect(reports.latest('s1')?.results).toEqual([result]);
    expect(reports.latest('s2')).toBeUndefined();
    expect(reports.summary()).toEqual({ nodes: 1, lastTime: 10 });
    rmSync(join(folder, 's1.0a1b2c3d.json'));
    await reports.look();
    expect(reports.summary()).toEqual({ nodes: 1, lastTime: 5 });
  });

  it('count only where they are regular, small, of a node of the cluster, and what they say they are', async () => {
    const good = reportOf('s1', [error(31)]);
    leave('s9.0a1b2c3d.json', reportOf('s9', [error(31)]));
    leave('s2.0a1b2c3d.json', good);
    leave('s1.0a1b2c3.json', good);
    leave('s1.json', good);
    leave('notes.txt', 'mine');
    symlinkSync(leave('elsewhere', good), join(folder, 's1.00000001.json'));
    mkdirSync(join(folder, 's1.00000002.json'));
    leave('s1.00000003.json', '{"version":1,');
    leave('s1.00000004.json', { ...good, xids: [{ ...error(31), xid: -4 }] });
    leave('s1.00000005.json', { ...good, padding: 'x'.repeat(NODE_REPORT_BYTES_MAX) });
    leave('s1.00000007.json', { ...good, version: 2 });
    execFileSync('mkfifo', [join(folder, 's1.00000006.json')]);
    const reports = await look();
    expect(journalled()).toEqual([]);
    expect(reports.summary()).toEqual({ nodes: 0, lastTime: null });
    const why = said.map((line) => line.replace(/^the report of a node is passed over: /, '').replace(/ \{.*/, ''));
    expect(why.sort()).toEqual([
      'it has 65668 bytes, more than 65536'.replace(
        '65668',
        String(JSON.stringify({ ...good, padding: '' }).length + 65_536),
      ),
      'it is a link',
      'it is no JSON',
      'it is no regular file',
      'it is no regular file',
      'it speaks of node s1',
      'version: Invalid input: expected 1',
      'xids.0.xid: Too small: expected number to be >=0',
    ]);
  });

  it.runIf(isRoot)('count only of those who are trusted: root, the daemon, Slurm, and who has the folder', async () => {
    const path = leave('s1.0a1b2c3d.json', reportOf('s1', [error(31)]));
    chownSync(path, STRANGER, STRANGER);
    await look();
    expect(journalled()).toEqual([]);
    expect(said.join()).toContain(`it belongs to user ${STRANGER}`);
    // Its owner has taken the file for one of root's: what was opened counts.
    const another = leave('s1.00000001.json', reportOf('s1', [error(48)]));
    linkSync(another, join(folder, 's2.00000001.json'));
    await look();
    expect(journalled()).toEqual(['s1 48 0.1']);
    const reports = watch({ trustedUserIds: [0, STRANGER] });
    await reports.look();
    expect(journalled()).toEqual(['s1 48 0.1', 's1 31 0.1']);
    // Where root of the nodes is somebody else on the file server, the site gives that somebody the folder.
    const squashed = leave('s2.0a1b2c3d.json', reportOf('s2', [error(62)]));
    chownSync(squashed, STRANGER + 1, STRANGER + 1);
    chownSync(folder, STRANGER + 1, STRANGER + 1);
    await look();
    expect(journalled()).toContain('s2 62 0.1');
  });

  it('may be in a folder that goes away and comes again, and where others can take them away it is said', async () => {
    const reports = await look();
    for (const times of [1, 2]) {
      renameSync(folder, `${folder}-gone`);
      await reports.look();
      await reports.look();
      expect(said.filter((line) => line.includes('ENOENT'))).toHaveLength(times);
      renameSync(`${folder}-gone`, folder);
      await reports.look();
    }
    leave('s1.0a1b2c3d.json', reportOf('s1', [error(31)]));
    chmodSync(folder, 0o777);
    await reports.look();
    expect(journalled()).toEqual(['s1 31 0.1']);
    expect(said.at(-1)).toContain('chmod +t');
  });

  it('are read again only where they have changed', async () => {
    const path = leave('s1.0a1b2c3d.json', reportOf('s1', [error(31)]));
    const reports = await look();
    // The content is another and everything else the same: what is seen tells that it was not opened.
    const at = new Date(NOW_MS);
    utimesSync(path, at, at);
    await reports.look();
    writeFileSync(path, JSON.stringify(reportOf('s1', [error(48)])));
    utimesSync(path, at, at);
    await reports.look();
    expect(reports.latest('s1')?.xids[0]?.xid).toBe(31);
    expect(existsSync(path)).toBe(true);
  });

  it('are not lost where the disk refuses: they are told again at the next look', async () => {
    leave('s1.0a1b2c3d.json', reportOf('s1', [error(31)]));
    const xids = new XidJournal(store);
    const append = store.append.bind(store);
    store.append = () => Promise.reject(new Error('disk full'));
    const event = { kind: 'XidSeen', nodeName: 's1', xid: 31, atMs: NOW_MS } as const;
    await expect(xids.record([event])).rejects.toThrow('disk full');
    store.append = append;
    await xids.record([event, event]);
    await xids.record([event]);
    expect(journalled()).toEqual(['s1 31 0']);
  });
});
