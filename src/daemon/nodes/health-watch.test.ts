import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { healthExpectationSchema } from '../../contract/health.ts';
import { OrreryError } from '../../contract/errors.ts';
import { eightGpus } from '../../health/recorded.test-support.ts';
import { DaemonFixture } from '../daemon.test-support.ts';
import { healthOptions } from './health-options.ts';

const folder = mkdtempSync(join(tmpdir(), 'orrery-health-watch-'));
const path = process.env['PATH'];
const CHECK = `#!/bin/sh\n[ ! -e ${folder}/broken ] || { cat ${folder}/broken; exit 2; }\n`;
const POLL = { timeout: 50_000, interval: 50 };

// A kernel log with XID errors cannot be had without a GPU.
beforeAll(() => {
  writeFileSync(join(folder, 'dmesg'), `#!/bin/sh\nexec cat ${folder}/log\n`, { mode: 0o755 });
  writeFileSync(join(folder, 'check'), CHECK, { mode: 0o755 });
  process.env['PATH'] = `${folder}:${path}`;
});
afterAll(() => {
  process.env['PATH'] = path;
  rmSync(folder, { recursive: true });
});

const log = (...lines: string[]) =>
  writeFileSync(join(folder, 'log'), ['[    0.000000] Linux version 6', ...lines, ''].join('\n'));
const breakIt = (message: string) => writeFileSync(join(folder, 'broken'), `${message}\n`);
const mendIt = () => rmSync(join(folder, 'broken'), { force: true });

describe('a daemon that checks its machine', () => {
  let fixture: DaemonFixture;
  beforeEach(async () => {
    log();
    const expectation = healthExpectationSchema.parse({
      custom: [{ name: 'site', command: [join(folder, 'check')], severity: 'high' }],
      // What else may be wrong with the machine of the test is not its subject.
      skip: ['zombies', 'blocked-processes', 'disk-space', 'disk-inodes', 'clock-skew', 'clock-source'],
    });
    fixture = new DaemonFixture({ health: { intervalMs: 100, expect: expectation } });
    await fixture.start();
  });
  afterEach(async () => {
    mendIt();
    await fixture.remove();
  });

  const nodes = async () =>
    (await fixture.client.nodes()).map(
      ({ name, state, reason }) => `${name} ${state}${reason === null ? '' : ` (${reason})`}`,
    );
  /** What a node has in a signal of the lemon detector. */
  const signal = async (name: string) =>
    (await fixture.client.lemons()).nodes.map(({ evidence }) => evidence.find((each) => each.signal === name)?.value);

  it('drains its nodes while a check fails, lets what runs run, and leaves alone what others drained', async () => {
    const job = await fixture.sh('sleep 600', { nodes: 1 });
    await fixture.until(job, 'RUNNING');
    await fixture.client.drainNode('n2', 'new disk');
    breakIt('fan 3 stands still');
    const reason = 'health: site: fan 3 stands still';
    await expect.poll(nodes, POLL).toEqual([`n1 draining (${reason})`, 'n2 drained (new disk)']);
    expect((await fixture.client.job(job)).state).toBe('RUNNING');

    // A restart forgets nothing.
    await fixture.daemon.close();
    await fixture.start();
    expect(await nodes()).toEqual([`n1 draining (${reason})`, 'n2 drained (new disk)']);
    mendIt();
    await expect.poll(nodes, POLL).toEqual(['n1 mixed', 'n2 drained (new disk)']);
  });

  it('does not wait for a check when it stops', async () => {
    writeFileSync(join(folder, 'check'), CHECK.replace('[ !', `echo $$ >${folder}/pid; exec sleep 600; [ !`), {
      mode: 0o755,
    });
    await expect.poll(() => existsSync(join(folder, 'pid')), POLL).toBe(true);
    await fixture.daemon.close();
    const pid = readFileSync(join(folder, 'pid'), 'utf8').trim();
    await expect.poll(() => existsSync(`/proc/${pid}`), POLL).toBe(false);
    writeFileSync(join(folder, 'check'), CHECK, { mode: 0o755 });
    await fixture.start();
  });

  it('tells the lemon detector of XID errors, each once a day, also over restarts', async () => {
    log(
      '[    1.000000] NVRM: Xid (PCI:0000:dc:00): 45, pid=1818990, name=python3, Ch 00000001 caused by previous Xid 149',
      '[    2.000000] NVRM: Xid (PCI:0000:dc:00): 31, pid=1, name=python3, Ch 00000001',
      '[    3.000000] NVRM: Xid (PCI:0000:dc:00): 31, pid=2, name=python3, Ch 00000001',
    );
    await expect.poll(() => signal('xid_cnt'), POLL).toEqual([2, 2]);
    // They speak of programs: the nodes work on.
    expect(await nodes()).toEqual(['n1 idle', 'n2 idle']);
    await fixture.daemon.close();
    await fixture.start();
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await signal('xid_cnt')).toEqual([2, 2]);
    // The last record to look at.
    await fixture.client.openTicket('n1');
    const seen: string[] = [];
    for await (const { kind, nodeName } of fixture.client.events({ since: 0 })) {
      if (kind === 'XidSeen') seen.push(String(nodeName));
      if (kind === 'TicketOpened') break;
    }
    expect(seen.sort()).toEqual(['n1', 'n1', 'n2', 'n2']);
  });

  it('counts tickets', async () => {
    await fixture.client.openTicket('n2', 'vendor case 4711');
    await fixture.client.openTicket('n2');
    expect(await signal('tickets')).toEqual([0, 2]);
    await expect(fixture.client.openTicket('n9')).rejects.toThrow('no node "n9"');
  });

  it('drains for an XID after which a GPU is to be reset', async () => {
    log("[  100.000000] NVRM: Xid (PCI:0000:05:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus.");
    const reason = 'health: gpu-xid: XID 79 on 0000:05:00 (GPU has fallen off the bus)';
    await expect.poll(nodes, POLL).toEqual([`n1 drained (${reason})`, `n2 drained (${reason})`]);
  });
});

describe('a daemon on a machine with GPUs', () => {
  it('counts an XID error for the node that has the GPU', async () => {
    writeFileSync(join(folder, 'query'), eightGpus('nvidia-smi-q-h100.txt'));
    const csv = Array.from({ length: 8 }, (_, index) => `${index}, NVIDIA H100 80GB HBM3, 81559\n`);
    writeFileSync(join(folder, 'csv'), csv.join(''));
    const smi = join(folder, 'nvidia-smi');
    writeFileSync(smi, `#!/bin/sh\n[ "$1" = -q ] && exec cat ${folder}/query\nexec cat ${folder}/csv\n`, {
      mode: 0o755,
    });
    log('[    2.000000] NVRM: Xid (PCI:0000:f3:00): 31, pid=1, name=python3, Ch 00000001');
    const expectation = healthExpectationSchema.parse({ gpus: { count: 8 }, skip: ['nvlink-state', 'nvlink-errors'] });
    const fixture = new DaemonFixture({ health: { intervalMs: 100, expect: expectation } });
    try {
      await fixture.start();
      // GPUs are dealt in turn: n2 has those of odd index, among them the fourth.
      const xids = async () =>
        (await fixture.client.lemons()).nodes.map(
          ({ evidence }) => evidence.find(({ signal }) => signal === 'xid_cnt')?.value,
        );
      await expect.poll(xids, POLL).toEqual([0, 1]);
    } finally {
      await fixture.remove();
      rmSync(smi);
    }
  });
});

describe('the options of the daemon', () => {
  it('check nothing by default', () => {
    expect(healthOptions(0, null)).toBeNull();
    expect(healthOptions(300, null)).toMatchObject({ intervalMs: 300_000 });
  });

  it('are refused before anything is started', () => {
    const file = join(folder, 'health.yaml');
    writeFileSync(file, 'skip: [nothing]\n');
    expect(() => healthOptions(300, file)).toThrow('skip: no check "nothing"');
    expect(() => healthOptions(300, '/no/such.yaml')).toThrow(OrreryError);
    expect(() => healthOptions(0, file)).toThrow('--health-expect: give --health-interval too');
  });
});
