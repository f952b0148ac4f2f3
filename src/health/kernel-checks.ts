import type { XidError } from '../contract/health.ts';
import {
  type Check,
  type CheckRun,
  critical,
  type Finding,
  firstLine,
  judged,
  ok,
  skipped,
  some,
  unknown,
} from './check.ts';
import { type KernelFindings, parseKernelLog, type XidLine } from './kernel-log.ts';
import { xidEntry, xidSeverity } from './xid-table.ts';

const LOG_TIMEOUT_MS = 10_000;
/** The second where the first may not be read or is not there. Both tell of this boot. */
const LOG_COMMANDS = [['dmesg'], ['journalctl', '--dmesg', '--boot', '--no-pager', '--output=short-monotonic']];
const READS = 'dmesg, else journalctl --dmesg';

export const KERNEL_CHECKS: readonly Check[] = [
  {
    name: 'gpu-xid',
    severity: 'high',
    finds: 'XID errors after which the GPU must be reset, the node restarted, or a hand laid on it',
    reads: READS,
    run: (run) => judgeXids(run, 'high'),
  },
  {
    name: 'gpu-xid-wear',
    severity: 'low',
    finds: 'XID errors of memory or links that wear out, and numbers nobody knows',
    reads: READS,
    run: (run) => judgeXids(run, 'low'),
  },
  {
    name: 'nvswitch-sxid',
    severity: 'high',
    finds: 'fatal errors of an NVSwitch',
    reads: READS,
    run: (run) =>
      withLog(run, ({ fatalSxids }) => {
        if (fatalSxids.length === 0) return ok('no fatal NVSwitch error');
        return critical(some([...new Set(fatalSxids.map(({ sxid }) => `SXid ${sxid}`))]));
      }),
  },
  {
    name: 'block-devices',
    severity: 'high',
    finds: 'I/O errors of a disk, a file system with errors',
    reads: READS,
    run: (run) =>
      withLog(run, ({ blockErrors }) => {
        if (blockErrors.length === 0) return ok('no I/O errors');
        const counted = new Map<string, number>();
        for (const { device } of blockErrors) counted.set(device, (counted.get(device) ?? 0) + 1);
        return critical(`I/O errors: ${some([...counted].map(([device, count]) => `${count} on ${device}`))}`);
      }),
  },
];

async function judgeXids(run: CheckRun, severity: 'high' | 'low'): Promise<Finding> {
  return await withLog(run, () => {
    const seen = new Map<number, XidError>();
    for (const error of run.xids) if (error.severity === severity) seen.set(error.xid, error);
    if (seen.size > 0) return critical(some([...seen.values()].map(xidText)));
    const others = new Set(run.xids.flatMap((error) => (error.severity === 'application' ? [error.xid] : [])));
    return ok(others.size === 0 ? 'no XID errors' : `only XID errors of programs: ${some([...others].map(String))}`);
  });
}

function xidText({ xid, pciAddress }: XidError): string {
  return `XID ${xid}${pciAddress === null ? '' : ` on ${pciAddress}`} (${xidEntry(xid)?.meaning ?? 'not in the table'})`;
}

const withLog = judged(async (run): Promise<KernelFindings | Finding> => {
  const refusals: string[] = [];
  for (const command of LOG_COMMANDS) {
    const outcome = await run.machine.run(command, LOG_TIMEOUT_MS);
    if (outcome.kind === 'missing') continue;
    const findings = outcome.kind === 'ended' && outcome.exitCode === 0 ? parseKernelLog(outcome.stdout) : null;
    if (findings === null) {
      refusals.push(
        outcome.kind === 'ended' ? firstLine(outcome.stderr) || `${command[0]} says nothing` : `${command[0]} hangs`,
      );
      continue;
    }
    run.xids.push(...(await datedXids(run, findings.xids)));
    return findings;
  }
  if (refusals.length === 0) return skipped('neither dmesg nor journalctl is here');
  // An ordinary user's daemon on a machine without GPUs has nothing to find here that matters so much.
  const isRefused = refusals.some((refusal) => /not permitted|permission|not seeing messages/i.test(refusal));
  if (isRefused && (run.expect.gpus?.count ?? 0) === 0)
    return skipped("the kernel's log may not be read (run as root)");
  return unknown(`the kernel's log cannot be read (run as root): ${refusals[0]}`);
});

/** The site's word on severities goes before the table's. */
async function datedXids(run: CheckRun, lines: readonly XidLine[]): Promise<XidError[]> {
  const uptime = Number((await run.machine.read('/proc/uptime'))?.split(' ')[0]);
  const nowMs = run.machine.now();
  return lines.flatMap(({ xid, pciAddress, line }) => {
    const severity = run.expect.xids?.[xid] ?? xidSeverity(xid, line.text);
    if (severity === 'ignored') return [];
    const age = line.secondsSinceBoot === null || !(uptime > 0) ? 0 : Math.max(0, uptime - line.secondsSinceBoot);
    return [{ xid, pciAddress, atMs: Math.round(nowMs - age * 1000), message: firstLine(line.text), severity }];
  });
}
