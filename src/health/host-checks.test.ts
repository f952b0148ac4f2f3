import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { healthExpectationSchema } from '../contract/health.ts';
import { HOST_CHECKS } from './host-checks.ts';
import { type Machine, thisMachine } from './machine.ts';
import * as procFiles from './proc-files.ts';
import { PROCESS_CHECKS } from './process-checks.ts';
import { recorded } from './recorded.test-support.ts';
import { runChecks } from './run-checks.ts';

const folder = mkdtempSync(join(tmpdir(), 'orrery-host-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function run(expected: object, machine: Machine = thisMachine()): Promise<Record<string, string>> {
  const report = await runChecks({
    checks: [...HOST_CHECKS, ...PROCESS_CHECKS],
    machine,
    expect: healthExpectationSchema.parse(expected),
    occasion: null,
    node: 'n1',
  });
  return Object.fromEntries(report.results.map(({ name, status, message }) => [name, `${status}: ${message}`]));
}

/** A machine with these files below a root of its own. */
function machineWith(files: Record<string, string>): Machine {
  const root = mkdtempSync(join(folder, 'root-'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return thisMachine({ root });
}

describe('this machine', () => {
  it('has what it has, and not more', async () => {
    const has = totalmem() / 1e9;
    const cpus = availableParallelism();
    expect(
      await run({ memory: { gigabytesMin: has - 0.1, availableGigabytesMin: 1e-3 }, cpus: { count: cpus } }),
    ).toMatchObject({
      'memory-size': `ok: ${has.toFixed(1)} GB`,
      'memory-available': expect.stringMatching(/^ok/),
      'cpu-count': expect.stringMatching(/^ok/),
      uptime: expect.stringMatching(/^ok: up for \d+\.\d days$/),
      'clock-source': expect.stringMatching(/^(ok|critical)/),
    });
    const short = await run({
      memory: { gigabytesMin: has + 1, availableGigabytesMin: has + 1 },
      cpus: { count: 100_000 },
      uptime: { daysMax: 1e-9 },
      clock: { sources: ['sundial'] },
    });
    expect(short).toMatchObject({
      'memory-size': `critical: ${has.toFixed(1)} GB of memory, expected ${has + 1}`,
      'memory-available': expect.stringMatching(/^critical/),
      'cpu-count': expect.stringMatching(/^critical: \d+ CPUs, expected 100000$/),
      uptime: expect.stringMatching(/^warning/),
      'clock-source': expect.stringMatching(/^critical: clock source \w[\w-]*, expected sundial$/),
    });
  });

  it('has a zombie when there is one', async () => {
    // The shell starts a child that ends, and becomes a program that never asks for it.
    const parent = spawn('/bin/sh', ['-c', 'true & exec sleep 600'], { stdio: 'ignore' });
    try {
      await expect
        .poll(async () => (await run({ processes: { zombiesMax: 0 } }))['zombies'], { timeout: 20_000 })
        .toMatch(/^critical: \d+ zombies, expected 0 at most: .*/);
      const found = (await run({ processes: { zombiesMax: 100_000 } }))['zombies'];
      expect(found).toMatch(/^warning: \d+ zombies: /);
    } finally {
      parent.kill('SIGKILL');
      await once(parent, 'exit');
    }
  });
});

describe('a machine with other files', () => {
  it('has memory errors', async () => {
    const controllers = {
      'sys/devices/system/edac/mc/mc0/ue_count': '0\n',
      'sys/devices/system/edac/mc/mc1/ue_count': '2\n',
    };
    expect((await run({}, machineWith(controllers)))['host-ecc']).toBe('critical: uncorrectable memory errors: mc1');
    expect((await run({}, machineWith({ 'sys/devices/system/edac/mc/mc0/ue_count': 'x' })))['host-ecc']).toMatch(
      /^unknown/,
    );
  });

  it('has PCIe errors', async () => {
    // As in the kernel's Documentation/ABI/testing/sysfs-bus-pci-devices-aer_stats.
    const text = (fatal: number) =>
      `Undefined 0\nData Link Protocol 0\nSurprise Down Error ${fatal}\nTOTAL_ERR_FATAL ${fatal}\n`;
    const devices = {
      'sys/bus/pci/devices/0000:00:01.0/aer_dev_fatal': text(0),
      'sys/bus/pci/devices/0000:3b:00.0/aer_dev_fatal': text(3),
      'sys/bus/pci/devices/0000:00:02.0/class': '0x060000\n',
    };
    expect((await run({}, machineWith(devices)))['pcie-errors']).toBe('critical: fatal PCIe errors: 0000:3b:00.0 3');
  });

  it('has CPUs that are held back', async () => {
    const cpu = (index: number, governor: string, most: number) => ({
      [`sys/devices/system/cpu/cpu${index}/cpufreq/scaling_governor`]: `${governor}\n`,
      [`sys/devices/system/cpu/cpu${index}/cpufreq/scaling_max_freq`]: `${most}\n`,
      [`sys/devices/system/cpu/cpu${index}/cpufreq/cpuinfo_max_freq`]: '3400000\n',
    });
    const machine = machineWith({ ...cpu(0, 'performance', 3_400_000), ...cpu(1, 'powersave', 1_500_000) });
    expect(await run({}, machine)).toMatchObject({
      'cpu-governor': 'warning: several governors: performance; powersave',
      'cpu-frequency': 'warning: a CPU is kept to 1500 of 3400 MHz',
    });
    expect(await run({ cpus: { governor: 'performance', megahertzMin: 2250 } }, machine)).toMatchObject({
      'cpu-governor': 'critical: governor powersave, expected performance',
      'cpu-frequency': 'critical: a CPU is kept to 1500 MHz, expected 2250',
    });
    expect(await run({ cpus: { governor: 'performance' } }, machineWith({}))).toMatchObject({
      'cpu-governor': 'unknown: the CPUs have no frequency governor',
      'cpu-count': expect.stringMatching(/^unknown/),
      uptime: expect.stringMatching(/^unknown/),
      'clock-source': expect.stringMatching(/^unknown/),
    });
  });

  it('has processes that hang in the kernel', async () => {
    const stat = (pid: number, state: string) => ({
      [`proc/${pid}/stat`]: `${pid} (python3 :) x) ${state} 1 1 1 0 -1\n`,
    });
    const machine = machineWith({ ...stat(7, 'D'), ...stat(8, 'D'), ...stat(9, 'S') });
    expect((await run({ processes: { blockedMax: 1 } }, machine))['blocked-processes']).toBe(
      'critical: 2 blocked processes, expected 1 at most: python3 :) x (7); python3 :) x (8)',
    );
    expect((await run({}, machine))['blocked-processes']).toMatch(/^warning: 2 blocked processes/);
  });
});

describe('the clock', () => {
  const withChrony = (stdout: string): Machine => ({
    ...thisMachine(),
    run: async (argv) =>
      argv[0] === 'chronyc'
        ? { kind: 'ended', exitCode: 0, stdout, stderr: '' }
        : { kind: 'missing', program: argv[0] ?? '' },
  });

  it('is synchronised or not, as chrony has it', async () => {
    expect((await run({}, withChrony(recorded('chrony-local.txt'))))['clock-skew']).toBe('ok: off by 0.000 ms');
    expect((await run({}, withChrony(recorded('chrony-unsynchronised.txt'))))['clock-skew']).toBe(
      'critical: the clock is not synchronised',
    );
  });

  it('is off by too much', async () => {
    const off = withChrony(recorded('chrony-local.txt').replace('721,0.000000000', '721,-0.012500000'));
    expect((await run({}, off))['clock-skew']).toBe('ok: off by 12.500 ms');
    expect((await run({ clock: { skewMillisecondsMax: 10 } }, off))['clock-skew']).toBe(
      'critical: the clock is off by 12.5 ms, expected 10 at most',
    );
  });

  it('matters where something is expected of it', async () => {
    const silent = withChrony('506 Cannot talk to daemon\n');
    expect((await run({}, silent))['clock-skew']).toMatch(/^skipped/);
    expect((await run({ clock: { skewMillisecondsMax: 10 } }, silent))['clock-skew']).toMatch(/^unknown/);
  });
});

describe('text of /proc and /sys', () => {
  it('is read as the kernel writes it', () => {
    expect(procFiles.parseCpuCount('0-63,128-191\n')).toBe(128);
    expect(procFiles.parseCpuCount('0\n')).toBe(1);
    expect(procFiles.parseProcessStat('12 (a (b) c) R 1 12 12 0')).toEqual({ pid: 12, name: 'a (b) c', state: 'R' });
    expect(procFiles.parseUptime('374.93 639.11\n')).toBe(374.93);
    expect(procFiles.parseTimedatectl('NTPSynchronized=yes\n')).toEqual({ isSynchronised: true, skewSeconds: null });
  });

  it('is null where it is something else, and nothing throws', () => {
    const parsers = Object.values(procFiles);
    expect(parsers.length).toBeGreaterThan(6);
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        // A number alone is a list of one CPU.
        fc.pre(!/^\s*\d{1,6}(-\d{1,6})?\s*$/.test(text));
        expect(parsers.filter((parse) => parse(text) !== null)).toEqual([]);
      }),
    );
  });
});
