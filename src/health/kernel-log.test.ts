import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type HealthExpectation, NO_EXPECTATION } from '../contract/health.ts';
import { KERNEL_CHECKS } from './kernel-checks.ts';
import { parseKernelLog } from './kernel-log.ts';
import type { CommandOutcome, Machine } from './machine.ts';
import { runChecks } from './run-checks.ts';
import { xidEntry, xidNumbers, xidSeverity } from './xid-table.ts';

/** Published lines, word for word, with what they say. */
const XIDS: readonly (readonly [line: string, xid: number, pciAddress: string, severity: string])[] = [
  // NVIDIA, A100 GPU memory error management, table 2, https://docs.nvidia.com/deploy/a100-gpu-mem-error-mgmt/user-visible-statistics.html
  [
    'NVRM: Xid (PCI:0000:01:00 GPU-I:05): 94, pid=7194, Contained: CE User Channel (0x9). RST: No, D-RST: No',
    94,
    '0000:01:00',
    'low',
  ],
  // leptonai/gpud, components/accelerator/nvidia/query/xid/dmesg_test.go
  [
    'NVRM: Xid (PCI:0000:01:00): 95, pid=7062, Uncontained: LTC TAG (0x2,0x0). RST: Yes, D-RST: No',
    95,
    '0000:01:00',
    'high',
  ],
  [
    "[111111111.111] NVRM: Xid (PCI:0000:05:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus.",
    79,
    '0000:05:00',
    'high',
  ],
  [
    'NVRM: Xid (PCI:0000:19:00): 119, pid=452531, name=cache_mgr_main, Timeout after 6s of waiting for RPC response from GPU0 GSP! Expected function 76 (GSP_RM_CONTROL) (0x20809004 0x608).',
    119,
    '0000:19:00',
    'high',
  ],
  ['[...] NVRM: Xid (0000:03:00): 14, Channel 00000001', 14, '0000:03:00', 'low'],
  // stas00/ml-engineering, compute/accelerator/nvidia/debug.md
  [
    'NVRM: Xid (PCI:0000:10:1c): 63, pid=1896, Row Remapper: New row marked for remapping, reset gpu to activate.',
    63,
    '0000:10:1c',
    'low',
  ],
  // NVIDIA/open-gpu-kernel-modules, issues 942 and 1150
  [
    'NVRM: Xid (PCI:0000:01:00): 62, 322bff9a 0000b3b8 00000000 206a4b08 206a3cc8 206a3e36 206a2284 206a2ad6',
    62,
    '0000:01:00',
    'high',
  ],
  [
    'kernel: NVRM: Xid (PCI:0000:dc:00): 45, pid=1818990, name=python3, Ch 00000001 caused by previous Xid 149',
    45,
    '0000:dc:00',
    'application',
  ],
  // NVIDIA/NVSentinel, syslog-health-monitor tests
  [
    'NVRM: Xid (PCI:0008:01:00): 154, GPU recovery action changed from 0x0 (None) to 0x1 (GPU Reset Required)',
    154,
    '0008:01:00',
    'high',
  ],
];

describe('XID lines as published', () => {
  it.each(XIDS)('%s', (line, xid, pciAddress, severity) => {
    const found = parseKernelLog(line)?.xids;
    expect(found).toMatchObject([{ xid, pciAddress }]);
    expect(xidSeverity(xid, line)).toBe(severity);
  });

  it('tells a lost GPU also without an XID, and once with one', () => {
    // NVIDIA/NVSentinel, issue 155.
    const without = [
      '[ 1843.308145] NVRM: The NVIDIA GPU 0000:b3:00.0',
      '               NVRM: (PCI ID: 10de:26b5) installed in this system has',
      '               NVRM: fallen off the bus and is not responding to commands.',
      '[ 1843.439662] NVRM: The NVIDIA probe routine failed for 1 device(s).',
    ].join('\n');
    expect(parseKernelLog(without)?.xids).toMatchObject([{ xid: 79, pciAddress: null }]);
    // NVIDIA/open-gpu-kernel-modules, issue 1151.
    const twice = [
      'May 18 19:02:39 kernel: NVRM: Xid (PCI:0000:2b:00): 79, GPU has fallen off the bus.',
      'May 18 19:02:39 kernel: NVRM: GPU 0000:2b:00.0: GPU has fallen off the bus.',
    ].join('\n');
    expect(parseKernelLog(twice)?.xids).toMatchObject([{ xid: 79, pciAddress: '0000:2b:00' }]);
  });
});

it('stamps of the kernel are read with and without the caller', () => {
  const seconds = (line: string) =>
    parseKernelLog(`${line}NVRM: Xid (PCI:0000:01:00): 79, GPU has fallen off the bus.`)?.xids[0]?.line
      .secondsSinceBoot;
  expect([
    seconds('[   12.500000] '),
    seconds('[   12.500000][  T123] '),
    seconds('<4>[   12.500000] '),
    seconds(''),
  ]).toEqual([12.5, 12.5, 12.5, null]);
});

describe('the XID table', () => {
  it('takes a node out at once for what NVIDIA wants reset, restarted or looked at, and for NVLink and double bit errors', () => {
    const high = xidNumbers().filter((xid) => xidSeverity(xid) === 'high');
    expect(high).toEqual([46, 48, 54, 62, 64, 74, 79, 95, 109, 110, 119, 120, 136, 140, 143, 154, 155, 158]);
  });

  it('leaves what programs cause to their users', () => {
    for (const xid of [13, 31, 32, 43, 45, 69]) expect(xidSeverity(xid)).toBe('application');
  });

  it('knows from the text of NVLink 5 errors and of 154 what they mean', () => {
    expect(xidSeverity(149, 'NETIR_LINK_EVT Fatal XC1 i0 Link 05')).toBe('high');
    expect(xidSeverity(149, 'NETIR_LINK_EVT Nonfatal XC0 i0 Link 05')).toBe('low');
    expect(xidSeverity(154, 'GPU recovery action changed from 0x1 (GPU Reset Required) to 0x0 (None)')).toBe(
      'application',
    );
  });

  it('asks somebody to look at numbers that it does not have', () => {
    expect(xidEntry(4711)).toBeUndefined();
    expect(xidSeverity(4711)).toBe('low');
  });
});

describe('other lines of the kernel', () => {
  it('tell of fatal NVSwitch errors', () => {
    // leptonai/gpud, components/accelerator/nvidia/query/sxid/dmesg_test.go, the second from https://access.redhat.com/solutions/6619941
    const log = [
      '[111111111.111] nvidia-nvswitch3: SXid (PCI:0000:05:00.0): 12028, Non-fatal, Link 32 egress non-posted PRIV error (First)',
      '[131453.740743] nvidia-nvswitch0: SXid (PCI:0000:a9:00.0): 20034, Fatal, Link 30 LTSSM Fault Up',
      '[131453.740754] nvidia-nvswitch0: SXid (PCI:0000:a9:00.0): 20034, Severity 1 Engine instance 30 Sub-engine instance 00',
    ];
    expect(parseKernelLog(log.join('\n'))?.fatalSxids).toMatchObject([{ sxid: 20_034 }]);
  });

  it('tell of disks that fail, not of files that play disk', () => {
    // Mailing lists: linux-raid, linux-btrfs, linux-ext4; the last is as of a loop device.
    const log = [
      '[  368.433679] blk_update_request: critical medium error, dev sdc, sector 557528',
      'print_req_error: critical medium error, dev nvme0n1, sector 40910720 flags 84700',
      '[ 2545.428393] critical medium error, dev sdd, sector 4 op 0x0:(READ) flags 0x0 phys_seg 1 prio class 0',
      'EXT4-fs error (device sda4): ext4_journal_check_start:83: comm worker: Detected aborted journal',
      '[    7.000000] I/O error, dev loop3, sector 8 op 0x0:(READ) flags 0x0 phys_seg 1 prio class 0',
    ];
    expect(parseKernelLog(log.join('\n'))?.blockErrors.map(({ device }) => device)).toEqual([
      'sdc',
      'nvme0n1',
      'sdd',
      'sda4',
    ]);
  });
});

describe('the checks of the log', () => {
  const LOG = [
    '[   10.500000] NVRM: loading NVIDIA UNIX x86_64 Kernel Module  535.161.08',
    ...XIDS.filter(([, xid]) => [63, 45, 79].includes(xid)).map(
      ([line]) => `[  100.000000] ${line.replace(/^\[[\d.]+\] |^kernel: /, '')}`,
    ),
  ].join('\n');

  function machineWith(outcomes: Record<string, CommandOutcome>): Machine {
    return {
      run: async (argv) => outcomes[argv[0] ?? ''] ?? { kind: 'missing', program: argv[0] ?? '' },
      read: async (path) => (path === '/proc/uptime' ? '160.00 300.00\n' : null),
      list: async () => null,
      now: () => 1_000_000,
    };
  }

  const ended = (stdout: string, exitCode = 0, stderr = ''): CommandOutcome => ({
    kind: 'ended',
    exitCode,
    stdout,
    stderr,
  });

  async function run(outcomes: Record<string, CommandOutcome>, expected: Partial<HealthExpectation> = {}) {
    const expectation = { ...NO_EXPECTATION, ...expected };
    const machine = machineWith(outcomes);
    const report = await runChecks({ checks: KERNEL_CHECKS, machine, expect: expectation, occasion: null, node: 'n1' });
    return {
      report,
      found: Object.fromEntries(report.results.map(({ name, status, message }) => [name, `${status}: ${message}`])),
    };
  }

  it('name the XIDs, with their time', async () => {
    const { report, found } = await run({ dmesg: ended(LOG) });
    expect(found).toEqual({
      'gpu-xid': 'critical: XID 79 on 0000:05:00 (GPU has fallen off the bus)',
      'gpu-xid-wear': 'critical: XID 63 on 0000:10:1c (GPU memory remapping event)',
      'nvswitch-sxid': 'ok: no fatal NVSwitch error',
      'block-devices': 'ok: no I/O errors',
    });
    // A minute before now: the machine is up for 160 s, the line is of second 100.
    expect(report.xids.map(({ xid, atMs }) => [xid, atMs])).toEqual([
      [79, 940_000],
      [63, 940_000],
      [45, 940_000],
    ]);
  });

  it("go by the site's severities", async () => {
    const { report, found } = await run({ dmesg: ended(LOG) }, { xids: { '79': 'ignored', '63': 'high' } });
    expect(found['gpu-xid']).toMatch(/^critical: XID 63/);
    expect(found['gpu-xid-wear']).toBe('ok: only XID errors of programs: 45');
    expect(report.xids.map(({ xid }) => xid)).not.toContain(79);
  });

  it('turn to the journal where dmesg is not allowed', async () => {
    const refused = ended('', 1, 'dmesg: read kernel buffer failed: Operation not permitted\n');
    const journal = `-- Logs begin --\n${LOG.replaceAll('] ', '] host kernel: ')}\n`;
    expect((await run({ dmesg: refused, journalctl: ended(journal) })).found['gpu-xid']).toMatch(/^critical: XID 79/);
    const empty = ended('-- No entries --\n', 0, 'No journal files were found.\n');
    expect((await run({ dmesg: refused, journalctl: empty })).found['gpu-xid']).toBe(
      "skipped: the kernel's log may not be read (run as root)",
    );
    expect((await run({ dmesg: refused }, { gpus: { count: 8 } })).found['gpu-xid']).toBe(
      "unknown: the kernel's log cannot be read (run as root): dmesg: read kernel buffer failed: Operation not permitted",
    );
    expect((await run({})).found['gpu-xid']).toMatch(/^skipped/);
  });

  it('never throw, and are UNKNOWN where the text is not a log', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), async (text) => {
        const { found } = await run({ dmesg: ended(text) });
        for (const finding of Object.values(found)) {
          expect(finding).toMatch(/^unknown: the kernel's log cannot be read/);
        }
      }),
    );
  });
});
