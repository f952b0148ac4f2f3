import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type HealthExpectation, NO_EXPECTATION } from '../contract/health.ts';
import { GPU_CHECKS } from './gpu-checks.ts';
import type { CommandOutcome, Machine } from './machine.ts';
import { counts, parseGpuQuery, pciAddress } from './nvidia-smi.ts';
import { parseNvlinkErrors, parseNvlinkStatus } from './nvlink.ts';
import { eightGpus, recorded } from './recorded.test-support.ts';
import { runChecks } from './run-checks.ts';

const H100 = 'nvidia-smi-q-h100.txt';

/** A machine whose nvidia-smi says this; it has no other program and no files. */
function machineWith(outcomes: Record<string, CommandOutcome>): Machine {
  return {
    run: async (argv) => outcomes[argv.join(' ')] ?? { kind: 'missing', program: argv[0] ?? '' },
    read: async () => null,
    list: async () => null,
    now: () => 0,
  };
}

const said = (stdout: string, exitCode = 0): CommandOutcome => ({ kind: 'ended', exitCode, stdout, stderr: '' });

async function results(
  outcomes: Record<string, CommandOutcome>,
  expected: Partial<HealthExpectation> = {},
): Promise<Record<string, string>> {
  const expectation = { ...NO_EXPECTATION, ...expected };
  const report = await runChecks({
    checks: GPU_CHECKS,
    machine: machineWith(outcomes),
    expect: expectation,
    occasion: null,
    node: 'n1',
  });
  return Object.fromEntries(report.results.map(({ name, status, message }) => [name, `${status}: ${message}`]));
}

const query = (text: string, exitCode = 0) => ({ 'nvidia-smi -q': said(text, exitCode) });

describe('nvidia-smi -q as recorded', () => {
  it('is read into fields by path', () => {
    const parsed = parseGpuQuery(recorded(H100));
    expect(parsed?.attached).toBe(8);
    expect(parsed?.gpus.map(({ busId }) => busId)).toEqual(['00000000:19:00.0']);
    const fields = parsed?.gpus[0]?.fields;
    expect(fields?.get('PCI/GPU Link Info/Link Width/Max')).toBe('16x');
    expect(fields?.get('ECC Errors/Volatile/DRAM Uncorrectable')).toBe('0');
    expect(fields?.get('Clocks Event Reasons/HW Slowdown/HW Power Brake Slowdown')).toBe('Active');
    expect(fields?.get('Remapped Rows/Bank Remap Availability Histogram/Max')).toBe('2560 bank(s)');
  });

  it('finds a power brake on an idle H100, and nothing else on eight of them', async () => {
    expect(await results(query(eightGpus(H100)), { gpus: { count: 8, type: 'H100-80GB' } })).toMatchObject({
      'gpu-access': 'ok: 8 GPUs answer',
      'gpu-count': 'ok: 8 GPUs',
      'gpu-type': 'ok: NVIDIA H100 80GB HBM3',
      'gpu-ecc': 'ok: no uncorrectable ECC error',
      'gpu-row-remap-failed': 'ok: all memory could be repaired',
      'gpu-row-remap-pending': 'ok: no repair of memory pending',
      'gpu-pcie': 'ok: all PCIe links at full width',
      'gpu-slowdown': expect.stringMatching(/^warning: GPU 00000000:19:00.0 HW Power Brake Slowdown;.* and 4 more$/),
    });
  });

  it('finds the row to be remapped on an A100, and takes what its author left out for unknown', async () => {
    expect(await results(query(recorded('nvidia-smi-q-a100.txt')), { gpus: { type: 'A100' } })).toMatchObject({
      'gpu-count': 'critical: expected 8 GPUs, found 1',
      'gpu-type': 'ok: NVIDIA A100-SXM4-80GB',
      'gpu-ecc': 'ok: no uncorrectable ECC error',
      'gpu-row-remap-failed': 'ok: all memory could be repaired',
      'gpu-row-remap-pending': 'critical: memory waits for a reset on GPU 00000000:10:1C.0',
      'gpu-slowdown': 'unknown: nvidia-smi gives no reasons for the clocks',
    });
  });

  it('skips the ECC of a GPU that has none', async () => {
    expect(await results(query(recorded('nvidia-smi-q-rtx4090.txt')), { gpus: { type: 'A100' } })).toMatchObject({
      'gpu-type': 'critical: expected A100, found NVIDIA GeForce RTX 4090',
      'gpu-ecc': 'skipped: ECC is off or not there',
      'gpu-row-remap-failed': 'ok: all memory could be repaired',
    });
  });
});

describe('drivers of 560 and later', () => {
  const RTX5090 = recorded('nvidia-smi-q-rtx5090.txt');

  it('skips what the driver leaves out for the GPU', async () => {
    expect(await results(query(RTX5090))).toMatchObject({
      'gpu-access': 'ok: 1 GPU answers',
      'gpu-ecc': 'skipped: ECC is off or not there',
      'gpu-row-remap-failed': 'skipped: not of these GPUs',
      'gpu-row-remap-pending': 'skipped: not of these GPUs',
    });
  });

  it.each(['Reset', 'Reboot', 'Drain P2P', 'Drain and Reset'])(
    'finds a GPU whose recovery action is %s',
    async (action) => {
      const text = RTX5090.replace(/(GPU Recovery Action +: )None/, `$1${action}`);
      expect((await results(query(text)))['gpu-access']).toBe(
        `critical: GPU 00000000:02:00.0: recovery action ${action}`,
      );
    },
  );

  it('finds memory that waits for a reset, that cannot be repaired, and a field that says what the GPU needs', async () => {
    const withFields = (lines: string) => RTX5090.replace('    Retired Pages\n', `${lines}    Retired Pages\n`);
    const pending = withFields(
      '        Channel Repair Pending            : Yes\n        TPC Repair Pending                : No\n',
    );
    expect(await results(query(pending))).toMatchObject({
      'gpu-access': 'ok: 1 GPU answers',
      'gpu-row-remap-failed': 'skipped: not of these GPUs',
      'gpu-row-remap-pending': 'critical: memory waits for a reset on GPU 00000000:02:00.0',
    });
    const dead = withFields('        Unrepairable Memory               : Yes\n');
    expect((await results(query(dead)))['gpu-row-remap-failed']).toBe(
      'critical: memory could not be repaired on GPU 00000000:02:00.0',
    );
    const wedged = withFields('        Channel Repair Pending            : GPU requires reset\n');
    expect((await results(query(wedged)))['gpu-access']).toBe('critical: GPU 00000000:02:00.0 requires a reset');
  });
});

describe('GPUs with one thing changed in the recording', () => {
  const changed = (from: string | RegExp, to: string) =>
    eightGpus(H100, (block, index) => (index === 3 ? block.replace(from, to) : block));

  it.each([
    [
      'gpu-ecc',
      /(Volatile[^]*?DRAM Uncorrectable +: )0/,
      '$12',
      'critical: uncorrectable ECC errors: GPU 00000000:F3:00.0 2 (DRAM Uncorrectable)',
    ],
    [
      'gpu-ecc',
      /(SRAM Uncorrectable Parity +: )0/,
      '$11',
      'critical: uncorrectable ECC errors: GPU 00000000:F3:00.0 1 (SRAM Uncorrectable Parity)',
    ],
    [
      'gpu-row-remap-failed',
      /(Remapping Failure Occurred +: )No/,
      '$1Yes',
      'critical: memory could not be repaired on GPU 00000000:F3:00.0',
    ],
    ['gpu-access', /(Reset Required +: )No/, '$1Yes', 'critical: GPU 00000000:F3:00.0 requires a reset'],
    [
      'gpu-pcie',
      /(Link Width\n[^]*?Current +: )16x/,
      '$18x',
      'critical: PCIe link too narrow: GPU 00000000:F3:00.0 x8 of x16',
    ],
    ['gpu-type', 'H100 80GB HBM3', 'H100 PCIe', 'warning: several types: NVIDIA H100 80GB HBM3; NVIDIA H100 PCIe'],
  ])('%s', async (name, from, to, expected) => {
    const text = changed(from, to);
    expect(text).not.toBe(eightGpus(H100));
    expect((await results(query(text)))[name]).toBe(expected);
  });

  it("does not count errors of the GPU's whole life", async () => {
    const text = eightGpus(H100, (block) => block.replace(/(Aggregate\n[^]*?DRAM Uncorrectable +: )0/, '$17'));
    expect(text).toMatch(/DRAM Uncorrectable +: 7/);
    expect((await results(query(text)))['gpu-ecc']).toBe('ok: no uncorrectable ECC error');
  });
});

describe('an nvidia-smi that fails', () => {
  const eight = { gpus: { count: 8 } };
  // The text is the driver's own, as in the tests of NVML errors of leptonai/gpud.
  const lost = 'Unable to determine the device handle for GPU0000:CB:00.0: Unknown Error\n';

  it('tells of a GPU without a handle', async () => {
    const found = await results(query(lost, 15), eight);
    expect(found['gpu-access']).toBe(`critical: ${lost.trim()}`);
    expect(found['gpu-count']).toBe('critical: expected 8 GPUs, found 0');
  });

  it('matters where GPUs are expected, and where they are not is nothing', async () => {
    const none = query('No devices were found\n', 6);
    expect((await results(none, eight))['gpu-count']).toBe('critical: no GPU found');
    expect((await results(none))['gpu-count']).toBe('skipped: no GPU');
    expect((await results({}, eight))['gpu-count']).toBe('unknown: nvidia-smi is not installed');
    expect((await results({}))['gpu-count']).toMatch(/^skipped/);
  });

  it('is a GPU out of reach where it hangs', async () => {
    const found = await results({ 'nvidia-smi -q': { kind: 'timedOut', afterMs: 30_000 } }, eight);
    expect(found['gpu-access']).toBe('critical: nvidia-smi did not answer within 30 s');
    expect(found['gpu-ecc']).toMatch(/^unknown/);
  });

  it('says what the driver says', async () => {
    const text =
      "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running.\n";
    expect((await results(query(text, 9), eight))['gpu-access']).toMatch(
      /^critical: nvidia-smi failed: NVIDIA-SMI has failed because/,
    );
  });
});

describe('NVLink', () => {
  const links = (down: readonly number[]) =>
    [0, 1]
      .map((gpu) => {
        const lines = Array.from({ length: 12 }, (_, link) => {
          return `\t Link ${link}: ${gpu === 1 && down.includes(link) ? '<inactive>' : '25 GB/s'}\n`;
        });
        return `GPU ${gpu}: NVIDIA A100-SXM4-80GB (UUID: GPU-0)\n${lines.join('')}`;
      })
      .join('');

  it('is read as recorded', () => {
    expect(parseNvlinkStatus(recorded('nvlink-status-h100.txt'))).toEqual([
      { index: 0, active: [0, 17], inactive: [] },
    ]);
    const errors = parseNvlinkErrors(recorded('nvlink-errors-h100.txt'));
    expect(errors).toHaveLength(9);
    expect(errors?.every(({ count }) => count === 0)).toBe(true);
  });

  it('is down where a GPU has fewer links than the others, or than expected', async () => {
    const status = (down: number[]) => ({ 'nvidia-smi nvlink --status': said(links(down)) });
    expect((await results(status([])))['nvlink-state']).toBe('ok: 12 NVLinks on each of 2 GPUs');
    expect((await results(status([6, 7])))['nvlink-state']).toBe('critical: GPU 1 has 10 of 12 NVLinks (down: 6, 7)');
    expect((await results(status([]), { gpus: { nvlinksPerGpu: 18 } }))['nvlink-state']).toMatch(
      /^critical: GPU 0 has 12 of 18 NVLinks; GPU 1/,
    );
  });

  it('is not there where the driver says so', async () => {
    // NVIDIA/open-gpu-kernel-modules, issue 1150.
    const text =
      'GPU 0: NVIDIA L4 (UUID: GPU-0)\nNVML:Unable to retrieve Nvlink information as all links are inActive\n';
    expect((await results({ 'nvidia-smi nvlink --status': said(text) }))['nvlink-state']).toBe('skipped: no NVLink');
  });

  it('recovers: critical; replays: a warning', async () => {
    const errors = (kind: string) => ({
      'nvidia-smi nvlink -e': said(
        recorded('nvlink-errors-h100.txt').replace(`Link 17: ${kind} Errors: 0`, `Link 17: ${kind} Errors: 3`),
      ),
    });
    expect((await results(errors('Recovery')))['nvlink-errors']).toBe('critical: GPU 0 link 17: 3 recovery errors');
    expect((await results(errors('Replay')))['nvlink-errors']).toBe('warning: GPU 0 link 17: 3 replay errors');
    expect((await results(errors('None')))['nvlink-errors']).toBe('ok: no NVLink errors');
  });
});

describe('whatever nvidia-smi says', () => {
  const lines = recorded(H100).split('\n');
  /** Lines of the recording, some left out, some cut, some doubled, with garbage between. */
  const mangled = fc
    .array(
      fc.oneof(
        { weight: 8, arbitrary: fc.nat(lines.length - 1).map((index) => lines[index] ?? '') },
        fc.tuple(fc.nat(lines.length - 1), fc.nat(50)).map(([index, length]) => (lines[index] ?? '').slice(0, length)),
        fc.string(),
      ),
      { maxLength: 200 },
    )
    .map((parts) => parts.join('\n'));

  it('never throws, and is UNKNOWN where it is not the output of nvidia-smi', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), fc.nat(3), async (text, exitCode) => {
        const all = Object.fromEntries(
          ['-q', 'nvlink --status', 'nvlink -e'].map((args) => [`nvidia-smi ${args}`, said(text, exitCode)]),
        );
        const found = Object.values(await results(all));
        expect(found.filter((finding) => !finding.startsWith('unknown: '))).toEqual([]);
        expect(found.filter((finding) => finding.includes('the check failed'))).toEqual([]);
      }),
    );
  });

  it('never throws on a mangled recording, and calls nothing well that it does not tell of every GPU', async () => {
    await fc.assert(
      fc.asyncProperty(mangled, async (text) => {
        const found = await results(query(text));
        expect(Object.values(found).filter((finding) => finding.includes('the check failed'))).toEqual([]);
        const gpus = parseGpuQuery(text)?.gpus ?? [];
        const isTold = gpus.every((gpu) => counts(gpu, /^ECC Errors\/Volatile\/.*Uncorrectable/) !== null);
        expect(isTold || found['gpu-ecc']?.startsWith('unknown')).toBe(true);
      }),
    );
  });
});

it('writes addresses as the kernel does', () => {
  expect(pciAddress('00000000:3B:00.0')).toBe('0000:3b:00');
});
