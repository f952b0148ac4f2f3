import { delayText } from '../contract/dependency.ts';
import type { QueueRow } from '../twin/snapshot.ts';
import type { TraceRow } from '../twin/trace-row.ts';
import { formatHostList } from './host-list.ts';

const MIB = 1024 ** 2;

type Field = (row: TraceRow) => string | number | null | boolean;

const FIELDS: Readonly<Record<string, Field>> = {
  job: ({ job }) => job,
  submit_s: ({ submitMs }) => submitMs / 1000,
  begin_s: ({ submitMs, eligibleMs }) => (eligibleMs === null || eligibleMs <= submitMs ? null : eligibleMs / 1000),
  start_s: ({ actualStartMs }) => (actualStartMs === null ? null : actualStartMs / 1000),
  nodes: ({ nodes }) => nodes,
  gpus_per_node: ({ gpusPerNode }) => gpusPerNode,
  cpus_per_node: ({ cpusPerNode }) => cpusPerNode,
  memory_per_node: ({ memoryBytesPerNode: bytes }) => (bytes === null ? null : `${Math.ceil(bytes / MIB)}M`),
  gpu_type: ({ gpuType }) => gpuType,
  exclusive: ({ isExclusive }) => (isExclusive ? true : null),
  runtime_s: ({ runMs }) => runMs / 1000,
  limit_s: ({ limitMs }) => (limitMs === null ? null : limitMs / 1000),
  user: ({ user }) => user,
  account: ({ account }) => account,
  qos: ({ qos }) => qos,
  partition: ({ partition }) => partition,
  reservation: ({ reservation }) => reservation ?? null,
  priority: ({ priority }) => (priority === 0 ? null : priority),
  after: ({ after, isAnyEnough = false }) => {
    const texts = after.map((one) => `${one.condition}:${one.job}${delayText(one)}`);
    return texts.length === 0 ? null : texts.join(isAnyEnough ? '?' : ' ');
  },
  array: ({ array }) =>
    array === undefined ? null : `${array.name}${array.runningMax === null ? '' : `%${array.runningMax}`}`,
  spread: ({ isSpread }) => (isSpread === true ? true : null),
  outcome: ({ outcome }) => (outcome === 'COMPLETED' || outcome === 'NODE_FAIL' ? null : outcome),
};

/** A jobs CSV that `readJobsCsv` reads. */
export function jobsCsvText(rows: readonly TraceRow[]): string {
  const fields = Object.values(FIELDS);
  const lines = rows.map((row) => fields.map((field) => text(field(row))).join(','));
  return `${[Object.keys(FIELDS).join(','), ...lines].join('\n')}\n`;
}

/** The same of the jobs that run or wait, for `readQueueCsv`. */
export function queueCsvText(rows: readonly QueueRow[]): string {
  const fields = Object.values(FIELDS);
  const lines = rows.map((row) => {
    const state = row.nodeNames !== null ? 'RUNNING' : row.isHeld ? 'HELD' : 'PENDING';
    const nodes = row.nodeNames === null ? null : formatHostList(row.nodeNames);
    return [...fields.map((field) => field(row)), state, nodes].map(text).join(',');
  });
  return `${[[...Object.keys(FIELDS), 'state', 'node_list'].join(','), ...lines].join('\n')}\n`;
}

function text(value: string | number | boolean | null): string {
  const plain = value === null ? '' : String(value);
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}
