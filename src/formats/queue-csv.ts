import { OrreryError } from '../contract/errors.ts';
import type { QueueRow } from '../twin/snapshot.ts';
import { Columns, eachRecord, OPEN_QUOTE } from './delimited-rows.ts';
import { NODES_MAX, parseHostList } from './host-list.ts';
import { RowReader } from './jobs-csv.ts';
import { TraceCollector } from './trace-row.ts';

/**
 * The jobs that run or wait at second 0: the columns of a jobs CSV, whose times may be below 0, with `state` (RUNNING, PENDING, or HELD for a
 * job that will not start) and `node_list`, the nodes of a job that runs, as a host list. `start_s` is since when it runs. In the order of
 * their submissions. Throws ORR_BAD_FILE for the first bad record.
 */
export function readQueueCsv(text: string, fileName: string): QueueRow[] {
  const rows: QueueRow[] = [];
  let reader: RowReader | null = null;
  let stateOf: (fields: readonly string[]) => string = () => '';
  let nodesOf = stateOf;
  const visit = (fields: readonly string[], line: number) => {
    const collector = new TraceCollector();
    if (reader === null) {
      const columns = new Columns(fields);
      const others = ['state', 'node_list'];
      reader = new RowReader(columns, fileName, line, collector, { least: -Infinity, others });
      stateOf = columns.reader('state');
      nodesOf = columns.reader('node_list');
      return;
    }
    const row = reader.row(fields, line, collector);
    const [bad] = collector.reading('csv').bad;
    if (row === undefined) throw badRow(fileName, line, bad?.reason ?? 'unreadable', bad?.found ?? '');
    const state = stateOf(fields).toUpperCase();
    if (!['RUNNING', 'PENDING', 'HELD'].includes(state)) {
      throw badRow(fileName, line, 'state is not RUNNING, PENDING or HELD', `"${state}"`);
    }
    const nodeNames = state === 'RUNNING' ? parseHostList(nodesOf(fields), NODES_MAX) : null;
    if (nodeNames === undefined) throw badRow(fileName, line, 'node_list is not a host list', `"${nodesOf(fields)}"`);
    if (state === 'RUNNING' && (row.actualStartMs === null || row.actualStartMs > 0)) {
      throw badRow(fileName, line, 'start_s is not seconds <= 0', `"${row.actualStartMs ?? ''}"`);
    }
    rows.push({ ...row, nodeNames, isHeld: state === 'HELD' });
  };
  const onOpen = (line: number, found: string) => {
    throw badRow(fileName, line, OPEN_QUOTE, found);
  };
  eachRecord(text, ',', visit, { onOpen });
  return rows.sort((a, b) => a.submitMs - b.submitMs);
}

function badRow(fileName: string, line: number, reason: string, found: string): OrreryError {
  return new OrreryError('ORR_BAD_FILE', `${fileName}:${line} ${reason}, found ${found}`);
}
