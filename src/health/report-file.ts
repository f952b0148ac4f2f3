import type { HealthReport, XidError } from '../contract/health.ts';
import {
  NODE_REPORT_BYTES_MAX,
  NODE_REPORT_DAYS,
  NODE_REPORT_RESULTS_MAX,
  NODE_REPORT_XID_MAX,
  NODE_REPORT_XIDS_MAX,
  type NodeReport,
  nodeReportFile,
} from '../contract/node-report.ts';
import { firstLine } from './check.ts';
import type { Machine } from './machine.ts';
import { isBad } from './verdict.ts';

const DAY_MS = 86_400_000;
/** Of each look at the folder: jobs wait for a prolog, and a file server that hangs must not hang it. */
const TIMEOUT_MS = 3_000;
/** Clocks are set now and then: an error this much older than the file is in it. */
const CLOCK_STEP_MS = 600_000;

/**
 * Folder, file, text, its time, pattern of the node's files. All of it in a process of its own: a thread that hangs in the kernel would never end. A
 * name that nobody can guess and that is not there is made first, so that nothing is written through a link that another user has put there.
 */
const WRITE = `
umask 022
half=$(mktemp -- "$1/.orrery-report-XXXXXXXXXX") || exit
trap 'rm -f -- "$half"' EXIT
printf '%s\\n' "$3" >"$half" && chmod 644 -- "$half" && touch -d "@$4" -- "$half" || exit
[ -e "$1/$2" ] || find "$1" -maxdepth 1 -type f -name "$5" -mtime +${NODE_REPORT_DAYS} -delete
mv -fT -- "$half" "$1/$2"
`;

/**
 * Leaves what a run found in a folder on shared storage, in the file of this node and start of it, which is replaced whole. Where that says all of it
 * already nothing is written. Null where it is there now, else why it is not, in one line. Never rejects, and ends within some seconds.
 */
export async function leaveReport(machine: Machine, folder: string, report: HealthReport): Promise<string | null> {
  const bootId = (await machine.read('/proc/sys/kernel/random/boot_id')) ?? '';
  const file = nodeReportFile(report.node, bootId.trim());
  if (file === null) return `no report: ${JSON.stringify(report.node)} cannot be the name of a file`;
  const newestMs = Math.max(...report.xids.map(({ atMs }) => atMs));
  if (!report.results.some(isBad)) {
    const looked = await machine.run(['stat', '--format=%Y', '--', `${folder}/${file}`], TIMEOUT_MS);
    if (looked.kind === 'timedOut') return hangs(folder);
    const writtenMs = looked.kind === 'ended' && looked.exitCode === 0 ? Number(looked.stdout) * 1000 : 0;
    if (newestMs + CLOCK_STEP_MS < writtenMs) return null;
  }
  const text = JSON.stringify(nodeReport(report));
  const atSeconds = String(Math.floor(report.atTime));
  const words = [folder, file, text, atSeconds, `${report.node}.????????.json`];
  const written = await machine.run(['sh', '-c', WRITE, 'sh', ...words], TIMEOUT_MS);
  if (written.kind === 'timedOut') return hangs(folder);
  if (written.kind === 'missing') return 'no report: there is no sh';
  return written.exitCode === 0 ? null : `no report in ${folder}: ${firstLine(written.stderr)}`;
}

function hangs(folder: string): string {
  return `no report: ${folder} hangs: no answer within ${TIMEOUT_MS / 1000} s`;
}

/** What of a run goes into the file. What the kernel said is left out: it names programs of users. */
export function nodeReport({ node, occasion, atTime, results, xids }: HealthReport): NodeReport {
  const newest = new Map<string, XidError>();
  for (const error of xids.toSorted((a, b) => a.atMs - b.atMs)) {
    newest.set(`${error.xid} ${error.pciAddress} ${Math.floor(error.atMs / DAY_MS)}`, error);
  }
  const bad = results.filter(isBad).slice(0, NODE_REPORT_RESULTS_MAX);
  const report: NodeReport = {
    version: 1,
    node,
    occasion,
    atTime,
    results: bad.map(({ name, severity, status, message }) => ({
      name: name.slice(0, 100),
      severity,
      status,
      message,
    })),
    xids: [...newest.values()]
      .filter(({ xid }) => xid <= NODE_REPORT_XID_MAX)
      .sort((a, b) => b.atMs - a.atMs)
      .slice(0, NODE_REPORT_XIDS_MAX)
      .map(({ xid, pciAddress, atMs, severity }) => ({ xid, pciAddress, atTime: atMs / 1000, severity })),
  };
  // Messages in scripts of two or three bytes a letter may be too much together: the errors matter more.
  while (Buffer.byteLength(JSON.stringify(report)) >= NODE_REPORT_BYTES_MAX && report.results.length > 0)
    report.results.pop();
  return report;
}
