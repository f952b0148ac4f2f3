import { type Check, type CheckRun, critical, type Finding, ok, skipped, some, unknown, warning } from './check.ts';
import {
  type ClockSync,
  parseAerFatal,
  parseChronyTracking,
  parseCpuCount,
  parseMemory,
  parseTimedatectl,
  parseUptime,
} from './proc-files.ts';

const GIGABYTE = 1e9;
const CPU_FOLDER = '/sys/devices/system/cpu';
const CLOCK_FOLDER = '/sys/devices/system/clocksource/clocksource0';
const MEMORY_FOLDER = '/sys/devices/system/edac/mc';
const PCI_FOLDER = '/sys/bus/pci/devices';
const CLOCK_TIMEOUT_MS = 5_000;
const SKEW_MS_MAX = 1000;
/** They are read without a trip to a slow device: with `hpet` or `acpi_pm` every look at the clock costs a microsecond and more. */
const FAST_CLOCKS = ['tsc', 'kvm-clock', 'hyperv_clocksource_tsc_page', 'xen', 'arch_sys_counter'];

export const HOST_CHECKS: readonly Check[] = [
  {
    name: 'host-ecc',
    severity: 'high',
    finds: 'uncorrectable errors of main memory',
    reads: `${MEMORY_FOLDER}/mc*/ue_count`,
    run: async ({ machine }) => {
      const controllers = ((await machine.list(MEMORY_FOLDER)) ?? []).filter((name) => /^mc\d+$/.test(name));
      if (controllers.length === 0) return skipped('no EDAC driver');
      const texts = await Promise.all(controllers.map((name) => machine.read(`${MEMORY_FOLDER}/${name}/ue_count`)));
      if (texts.some((text) => !/^\d+\s*$/.test(text ?? ''))) return unknown('a memory controller does not tell');
      const bad = controllers.filter((_, index) => Number(texts[index]) > 0);
      return bad.length > 0
        ? critical(`uncorrectable memory errors: ${some(bad)}`)
        : ok('no uncorrectable memory errors');
    },
  },
  {
    name: 'pcie-errors',
    severity: 'high',
    finds: 'a PCIe device with fatal errors (AER) since the machine started',
    reads: `${PCI_FOLDER}/*/aer_dev_fatal`,
    run: async ({ machine }) => {
      const devices = (await machine.list(PCI_FOLDER)) ?? [];
      const texts = await Promise.all(devices.map((device) => machine.read(`${PCI_FOLDER}/${device}/aer_dev_fatal`)));
      const told = devices.flatMap((device, index) => {
        const text = texts[index] ?? null;
        return text === null ? [] : [{ device, count: parseAerFatal(text) }];
      });
      if (told.length === 0) return skipped('no PCIe device reports errors (AER)');
      if (told.some(({ count }) => count === null)) return unknown('a PCIe device tells something else');
      const bad = told.filter(({ count }) => (count ?? 0) > 0);
      if (bad.length === 0) return ok(`no fatal errors of ${told.length} PCIe devices`);
      return critical(`fatal PCIe errors: ${some(bad.map(({ device, count }) => `${device} ${count}`))}`);
    },
  },
  {
    name: 'memory-size',
    severity: 'low',
    finds: 'less memory than expected: a module has failed',
    reads: '/proc/meminfo',
    run: (run) =>
      withMemory(run, run.expect.memory?.gigabytesMin, ({ totalBytes }, expected) =>
        totalBytes < expected * GIGABYTE
          ? critical(`${gigabytes(totalBytes)} GB of memory, expected ${expected}`)
          : ok(`${gigabytes(totalBytes)} GB`),
      ),
  },
  {
    name: 'memory-available',
    severity: 'low',
    finds: 'memory that a job left behind (caches that can be dropped do not count)',
    reads: '/proc/meminfo',
    // While a job runs the memory is its own.
    runsAs: ['epilog'],
    run: (run) =>
      withMemory(run, run.expect.memory?.availableGigabytesMin, ({ availableBytes }, expected) =>
        availableBytes < expected * GIGABYTE
          ? critical(`${gigabytes(availableBytes)} GB of memory available, expected ${expected}`)
          : ok(`${gigabytes(availableBytes)} GB available`),
      ),
  },
  {
    name: 'cpu-count',
    severity: 'low',
    finds: 'fewer CPUs than expected',
    reads: `${CPU_FOLDER}/online`,
    run: async ({ machine, expect }) => {
      const count = parseCpuCount((await machine.read(`${CPU_FOLDER}/online`)) ?? '');
      if (count === null) return unknown(`${CPU_FOLDER}/online cannot be read`);
      const expected = expect.cpus?.count;
      if (expected !== undefined && count < expected) return critical(`${count} CPUs, expected ${expected}`);
      return ok(`${count} CPUs`);
    },
  },
  {
    name: 'cpu-governor',
    severity: 'low',
    finds: 'CPUs with another frequency governor than expected, or with several',
    reads: `${CPU_FOLDER}/cpu*/cpufreq/scaling_governor`,
    run: async (run) => {
      const governors = new Set((await cpuFiles(run, 'scaling_governor')).map((text) => text.trim()));
      const expected = run.expect.cpus?.governor;
      if (governors.size === 0) return absent(expected, 'the CPUs have no frequency governor');
      const wrong = [...governors].filter((governor) => expected !== undefined && governor !== expected);
      if (wrong.length > 0) return critical(`governor ${some(wrong)}, expected ${expected}`);
      return governors.size > 1 ? warning(`several governors: ${some([...governors])}`) : ok([...governors].join());
    },
  },
  {
    name: 'cpu-frequency',
    severity: 'low',
    finds: 'CPUs that are kept from the frequency they can reach',
    reads: `${CPU_FOLDER}/cpu*/cpufreq/scaling_max_freq, cpuinfo_max_freq`,
    run: async (run) => {
      const [allowed, possible] = await Promise.all(
        ['scaling_max_freq', 'cpuinfo_max_freq'].map(async (file) => (await cpuFiles(run, file)).map(Number)),
      );
      const expected = run.expect.cpus?.megahertzMin;
      if (allowed === undefined || allowed.length === 0)
        return absent(expected, 'the CPUs do not tell their frequency');
      if (!allowed.every((kilohertz) => kilohertz > 0)) return unknown('a CPU tells no frequency');
      const lowest = Math.min(...allowed) / 1000;
      if (expected !== undefined && lowest < expected)
        return critical(`a CPU is kept to ${lowest} MHz, expected ${expected}`);
      const highest = Math.max(0, ...(possible ?? [])) / 1000;
      return lowest < highest ? warning(`a CPU is kept to ${lowest} of ${highest} MHz`) : ok(`${lowest} MHz`);
    },
  },
  {
    name: 'clock-source',
    severity: 'low',
    finds: 'a slow clock source: the kernel gives up on an unstable one',
    reads: `${CLOCK_FOLDER}/current_clocksource`,
    run: async ({ machine, expect }) => {
      const source = (await machine.read(`${CLOCK_FOLDER}/current_clocksource`))?.trim() ?? '';
      if (!/^[\w-]+$/.test(source)) return unknown('the kernel does not name its clock source');
      const expected = expect.clock?.sources ?? FAST_CLOCKS;
      return expected.includes(source) ? ok(source) : critical(`clock source ${source}, expected ${some(expected)}`);
    },
  },
  {
    name: 'clock-skew',
    severity: 'low',
    finds: 'a clock that is off, or that nothing sets',
    reads: 'chronyc -c tracking, else timedatectl show',
    run: async (run) => {
      const sync = await readSync(run);
      if (sync === null) return absent(run.expect.clock?.skewMillisecondsMax, 'neither chronyc nor timedatectl tells');
      if (!sync.isSynchronised) return critical('the clock is not synchronised');
      if (sync.skewSeconds === null) return ok('synchronised');
      const skewMs = sync.skewSeconds * 1000;
      const expected = run.expect.clock?.skewMillisecondsMax ?? SKEW_MS_MAX;
      return skewMs > expected
        ? critical(`the clock is off by ${skewMs.toFixed(1)} ms, expected ${expected} at most`)
        : ok(`off by ${skewMs.toFixed(3)} ms`);
    },
  },
  {
    name: 'uptime',
    severity: 'low',
    finds: 'a machine that has not been restarted for long',
    reads: '/proc/uptime',
    run: async ({ machine, expect }) => {
      const seconds = parseUptime((await machine.read('/proc/uptime')) ?? '');
      if (seconds === null) return unknown('/proc/uptime cannot be read');
      const days = seconds / 86_400;
      const most = expect.uptime?.daysMax ?? Infinity;
      return days > most
        ? warning(`up for ${days.toFixed(0)} days, expected ${most} at most`)
        : ok(`up for ${days.toFixed(1)} days`);
    },
  },
];

async function withMemory(
  { machine }: CheckRun,
  expected: number | undefined,
  judge: (use: { totalBytes: number; availableBytes: number }, expected: number) => Finding,
): Promise<Finding> {
  if (expected === undefined) return skipped('no amount is expected');
  const use = parseMemory((await machine.read('/proc/meminfo')) ?? '');
  return use === null ? unknown('/proc/meminfo cannot be read') : judge(use, expected);
}

function gigabytes(bytes: number): string {
  return (bytes / GIGABYTE).toFixed(1);
}

/** The same file of every CPU that has it. */
async function cpuFiles({ machine }: CheckRun, file: string): Promise<string[]> {
  const cpus = ((await machine.list(CPU_FOLDER)) ?? []).filter((name) => /^cpu\d+$/.test(name));
  const texts = await Promise.all(cpus.map((cpu) => machine.read(`${CPU_FOLDER}/${cpu}/cpufreq/${file}`)));
  return texts.filter((text) => text !== null);
}

/** What is not told matters where something is expected of it. */
function absent(expected: unknown, message: string): Finding {
  return expected === undefined ? skipped(message) : unknown(message);
}

async function readSync({ machine }: CheckRun): Promise<ClockSync | null> {
  const chrony = await machine.run(['chronyc', '-n', '-c', 'tracking'], CLOCK_TIMEOUT_MS);
  const tracked = chrony.kind === 'ended' ? parseChronyTracking(chrony.stdout) : null;
  if (tracked !== null) return tracked;
  const systemd = await machine.run(['timedatectl', 'show', '--property=NTPSynchronized'], CLOCK_TIMEOUT_MS);
  return systemd.kind === 'ended' && systemd.exitCode === 0 ? parseTimedatectl(systemd.stdout) : null;
}
