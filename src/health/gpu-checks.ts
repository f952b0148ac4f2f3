import {
  type Check,
  type CheckRun,
  critical,
  type Finding,
  firstLine,
  judged,
  ok,
  oncePerRun,
  skipped,
  some,
  unknown,
  warning,
} from './check.ts';
import type { CommandOutcome } from './machine.ts';
import { counts, type GpuQuery, parseGpuQuery, pciAddress, type QueriedGpu } from './nvidia-smi.ts';
import { parseNvlinkErrors, parseNvlinkStatus } from './nvlink.ts';

/** Eight GPUs without persistence mode take some seconds; one that hangs never answers. */
const TIMEOUT_SECONDS = 30;
const QUERY = ['nvidia-smi', '-q'];

export const GPU_CHECKS: readonly Check[] = [
  {
    name: 'gpu-access',
    severity: 'high',
    finds: 'a GPU that does not answer or needs a reset; a driver that hangs',
    reads: QUERY.join(' '),
    run: async (run) => {
      const outcome = await query(run);
      if (outcome.kind === 'timedOut') return critical(`nvidia-smi did not answer within ${outcome.afterMs / 1000} s`);
      return await withGpus(run, ({ gpus, lost }) => {
        const troubles = [...lost, ...gpus.flatMap(recovery)];
        return troubles.length > 0
          ? critical(some(troubles))
          : ok(`${counted(gpus.length)} answer${gpus.length === 1 ? 's' : ''}`);
      });
    },
  },
  {
    name: 'gpu-count',
    severity: 'high',
    finds: 'fewer GPUs than expected, or than the driver says are attached',
    reads: QUERY.join(' '),
    run: (run) =>
      withGpus(run, ({ attached, gpus, lost }) => {
        const expected = run.expect.gpus?.count ?? attached ?? gpus.length + lost.length;
        if (gpus.length === expected && lost.length === 0) return ok(counted(expected));
        return critical(`expected ${counted(expected)}, found ${gpus.length}`);
      }),
  },
  {
    name: 'gpu-type',
    severity: 'low',
    finds: 'a GPU of another type than expected, or GPUs of several types',
    reads: QUERY.join(' '),
    run: (run) =>
      withGpus(run, ({ gpus }) => {
        const types = new Set(gpus.map((gpu) => gpu.fields.get('Product Name') ?? ''));
        if (types.has('')) return unknown('nvidia-smi does not name the type of every GPU');
        const expected = run.expect.gpus?.type;
        const wrong = [...types].filter((type) => expected !== undefined && !plain(type).includes(plain(expected)));
        if (wrong.length > 0) return critical(`expected ${expected}, found ${some(wrong)}`);
        return types.size > 1 ? warning(`several types: ${some([...types])}`) : ok([...types].join());
      }),
  },
  {
    name: 'gpu-ecc',
    severity: 'high',
    finds: 'uncorrectable ECC errors since the driver was loaded or the GPU reset',
    reads: `${QUERY.join(' ')}, ECC Errors, Volatile`,
    run: (run) => withGpus(run, ({ gpus }) => judgeEcc(gpus)),
  },
  {
    name: 'gpu-row-remap-failed',
    severity: 'high',
    finds: 'GPU memory that could not be repaired: a case for NVIDIA',
    reads: `${QUERY.join(' ')}, Remapped Rows, Unrepairable Memory`,
    run: (run) =>
      withFlag(
        run,
        /^(Remapped Rows\/Remapping Failure Occurred|ECC Errors\/Unrepairable Memory)$/,
        'memory could not be repaired on',
        'all memory could be repaired',
      ),
  },
  {
    name: 'gpu-row-remap-pending',
    severity: 'low',
    finds: 'GPU memory (a row, a page, a channel) that the next reset repairs: reset the GPU when the node is free',
    reads: `${QUERY.join(' ')}, Remapped Rows, Retired Pages, Channel and TPC Repair Pending`,
    run: (run) =>
      withFlag(
        run,
        /^(Remapped Rows\/Pending|Retired Pages\/Pending Page (Blacklist|Retirement)|ECC Errors\/(Channel|TPC) Repair Pending)$/i,
        'memory waits for a reset on',
        'no repair of memory pending',
      ),
  },
  {
    name: 'gpu-pcie',
    severity: 'high',
    finds: 'a PCIe link that is narrower than the GPU can',
    reads: `${QUERY.join(' ')}, GPU Link Info`,
    run: (run) =>
      withGpus(run, ({ gpus }) => {
        const narrow: string[] = [];
        let known = 0;
        for (const gpu of gpus) {
          const [max, current] = ['Max', 'Current'].map((name) =>
            Number.parseInt(gpu.fields.get(`PCI/GPU Link Info/Link Width/${name}`) ?? '', 10),
          );
          if (!max || !current) continue;
          known += 1;
          if (current < max) narrow.push(`GPU ${gpu.busId} x${current} of x${max}`);
        }
        if (narrow.length > 0) return critical(`PCIe link too narrow: ${some(narrow)}`);
        return known === gpus.length ? ok('all PCIe links at full width') : skipped('nvidia-smi gives no link width');
      }),
  },
  {
    name: 'gpu-slowdown',
    severity: 'low',
    finds: 'a GPU that the hardware slows down (heat, power brake)',
    reads: `${QUERY.join(' ')}, Clocks Event Reasons`,
    run: (run) =>
      withGpus(run, ({ gpus }) => {
        const slow = gpus.flatMap((gpu) => slowdowns(gpu).map((reason) => `GPU ${gpu.busId} ${reason}`));
        const known = gpus.some(({ fields }) => [...fields.keys()].some((path) => SLOWDOWN.test(path)));
        if (!known) return unknown('nvidia-smi gives no reasons for the clocks');
        return slow.length > 0 ? warning(some(slow)) : ok('no hardware slowdown');
      }),
  },
  {
    name: 'nvlink-state',
    severity: 'high',
    finds: 'an NVLink that is down',
    reads: 'nvidia-smi nvlink --status',
    run: async (run) => {
      const outcome = await ask(run, ['nvidia-smi', 'nvlink', '--status']);
      const gpus = outcome.kind === 'ended' ? parseNvlinkStatus(outcome.stdout) : null;
      if (gpus === null) return noReading(run, outcome);
      const expected = run.expect.gpus?.nvlinksPerGpu ?? Math.max(...gpus.map(({ active }) => active.length));
      if (expected === 0) return skipped('no NVLink');
      const down = gpus.filter(({ active }) => active.length < expected);
      if (down.length === 0) return ok(`${expected} NVLinks on each of ${gpus.length} GPUs`);
      return critical(
        some(
          down.map(({ index, active, inactive }) => {
            const which = inactive.length > 0 && inactive.length <= 6 ? ` (down: ${inactive.join(', ')})` : '';
            return `GPU ${index} has ${active.length} of ${expected} NVLinks${which}`;
          }),
        ),
      );
    },
  },
  {
    name: 'nvlink-errors',
    severity: 'high',
    finds: 'NVLinks that had to be recovered; replays and CRC errors are a warning',
    reads: 'nvidia-smi nvlink -e',
    run: async (run) => {
      const outcome = await ask(run, ['nvidia-smi', 'nvlink', '-e']);
      const errors = outcome.kind === 'ended' ? parseNvlinkErrors(outcome.stdout) : null;
      if (errors === null) return noReading(run, outcome);
      if (errors.length === 0) return skipped('no NVLink');
      const texts = (kinds: RegExp) =>
        errors.flatMap(({ index, link, kind, count }) =>
          count > 0 && kinds.test(kind) ? [`GPU ${index} link ${link}: ${count} ${kind.toLowerCase()} errors`] : [],
        );
      const recoveries = texts(/^recovery$/i);
      if (recoveries.length > 0) return critical(some(recoveries));
      const others = texts(/./);
      return others.length > 0 ? warning(some(others)) : ok('no NVLink errors');
    },
  },
];

/** Of new GPUs, such as `DRAM Uncorrectable`, and of those before Turing. */
const UNCORRECTABLE = /^ECC Errors\/Volatile\/(.*Uncorrectable.*|Double Bit\/Total)$/i;
/** The names of old and new drivers: `Clocks Throttle Reasons`, `Clocks Event Reasons`. */
const SLOWDOWN = /^Clocks (Throttle|Event) Reasons(?: Counters)?\/HW Slowdown(\/HW (Thermal|Power Brake) Slowdown)?$/;

/** The innermost reasons that are active. */
function slowdowns({ fields }: QueriedGpu): string[] {
  const active = [...fields].flatMap(([path, value]) => (SLOWDOWN.test(path) && value === 'Active' ? [path] : []));
  const inner = active.filter((path) => !active.some((other) => other.startsWith(`${path}/`)));
  return inner.map((path) => path.split('/').at(-1) ?? path);
}

/** What has to be done with a GPU, in new drivers' words (`Reset`, `Reboot`, `Drain and Reset`, ...) or in those of before 560; none for a healthy one. */
function recovery({ busId, fields }: QueriedGpu): string[] {
  const action = fields.get('GPU Recovery Action') ?? '';
  if (/reset|reboot|drain|recover|unknown error|lost/i.test(action)) return [`GPU ${busId}: recovery action ${action}`];
  // A field of such a GPU may say it in the place of its value.
  const isUnwell = [...fields.values()].some((value) => /^\[?GPU (?:requires reset|is lost)/i.test(value));
  const isFlagged = /^yes$/i.test(fields.get('GPU Reset Status/Reset Required') ?? '');
  return isUnwell || isFlagged ? [`GPU ${busId} requires a reset`] : [];
}

function counted(gpus: number): string {
  return `${gpus} GPU${gpus === 1 ? '' : 's'}`;
}

function ask({ machine, expect }: CheckRun, command: readonly string[]): Promise<CommandOutcome> {
  return machine.run(command, (expect.gpus?.timeoutSeconds ?? TIMEOUT_SECONDS) * 1000);
}

const query = oncePerRun((run) => ask(run, QUERY));

const withGpus = judged(async (run): Promise<GpuQuery | Finding> => {
  const outcome = await query(run);
  if (outcome.kind !== 'ended') return noReading(run, outcome);
  const parsed = parseGpuQuery(`${outcome.stdout}\n${outcome.stderr}`);
  if (parsed === null || (parsed.gpus.length === 0 && parsed.lost.length === 0)) return noReading(run, outcome);
  run.gpuPciAddresses.push(...parsed.gpus.map(({ busId }) => pciAddress(busId)));
  return parsed;
});

function judgeEcc(gpus: readonly QueriedGpu[]): Finding {
  const found = gpus.map((gpu) => ({ busId: gpu.busId, fields: counts(gpu, UNCORRECTABLE) }));
  if (found.some(({ fields }) => fields === null)) return unknown('nvidia-smi does not tell this of every GPU');
  if (found.every(({ fields }) => fields?.length === 0)) return skipped('ECC is off or not there');
  const errors = found.flatMap(({ busId, fields }) =>
    (fields ?? []).flatMap(({ path, count }) =>
      count > 0 ? [`GPU ${busId} ${count} (${path.split('/').slice(2).join(' ')})`] : [],
    ),
  );
  return errors.length > 0 ? critical(`uncorrectable ECC errors: ${some(errors)}`) : ok('no uncorrectable ECC error');
}

/** Fields that match and say `Yes`. */
async function withFlag(run: CheckRun, path: RegExp, trouble: string, fine: string): Promise<Finding> {
  return await withGpus(run, ({ gpus }) => {
    // A driver leaves a whole section out for a GPU that cannot do such a thing: `Remapped Rows : N/A`.
    const values = gpus.map(({ busId, fields }) => ({
      busId,
      values: [...fields].flatMap(([name, value]) => (path.test(name) || isLeftOut(name, value) ? [value] : [])),
    }));
    if (values.some((gpu) => gpu.values.length === 0)) return unknown('nvidia-smi does not tell this of every GPU');
    const flagged = values.filter((gpu) => gpu.values.some((value) => /^yes$/i.test(value)));
    if (flagged.length > 0) return critical(`${trouble} ${some(flagged.map(({ busId }) => `GPU ${busId}`))}`);
    if (values.every((gpu) => gpu.values.every((value) => !/^no$/i.test(value)))) return skipped('not of these GPUs');
    return ok(fine);
  });
}

function isLeftOut(name: string, value: string): boolean {
  return /^(Remapped Rows|Retired Pages)$/.test(name) && value === 'N/A';
}

/** GPUs are expected: then it matters that they cannot be asked. */
function isExpecting(run: CheckRun): boolean {
  return (run.expect.gpus?.count ?? 0) > 0;
}

/** What to make of an nvidia-smi that gave nothing to judge. */
function noReading(run: CheckRun, outcome: CommandOutcome): Finding {
  if (outcome.kind === 'missing') {
    return isExpecting(run)
      ? unknown('nvidia-smi is not installed')
      : skipped('no nvidia-smi, and no GPUs are expected');
  }
  if (outcome.kind === 'timedOut') return unknown(`nvidia-smi did not answer within ${outcome.afterMs / 1000} s`);
  const said = firstLine(outcome.stdout) || firstLine(outcome.stderr) || `exit status ${outcome.exitCode}`;
  if (/no devices were found/i.test(said)) return isExpecting(run) ? critical('no GPU found') : skipped('no GPU');
  // The driver does not run, or not with these GPUs.
  if (outcome.exitCode !== 0 && isExpecting(run)) return critical(`nvidia-smi failed: ${said}`);
  return unknown(`nvidia-smi cannot be read: ${said}`);
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
}
