// What a look at Slurm costs the daemon: reading what squeue answers, beside a plain JSON.parse of the same text, which nothing that reads it can beat.
// README.md says how to read it.
// node bench/slurm-look/run.ts [--others 100,1000,10000,50000] [--own 100]
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { parseQueueTable } from '../../src/backend/slurm/reasons/queue-table.ts';
import { slurmJobs, squeueRows } from '../../src/backend/slurm/output/squeue-json.ts';

const FIXTURE = join(import.meta.dirname, '../../src/backend/slurm/output/fixtures/squeue-22.05.json');
const MARK = '.orrery-0a1b2c3d-';
const MEBI = 1024 ** 2;

/** What is read, and how. */
const WAYS = {
  parse: (text: string) => JSON.parse(text).jobs.length,
  look: (text: string) => slurmJobs(squeueRows(text), (name) => name.includes(MARK)).length,
  table: (text: string) => parseQueueTable(text).length,
} as const;
type Way = keyof typeof WAYS;

function isWay(text: string): text is Way {
  return Object.hasOwn(WAYS, text);
}

interface Reading {
  jobs: number;
  ms: number;
  peakMebi: number;
}

const { values: options } = parseArgs({
  options: {
    others: { type: 'string', default: '100,1000,10000,50000' },
    own: { type: 'string', default: '100' },
    read: { type: 'string' },
    way: { type: 'string', default: 'parse' },
  },
});

/** In a process of its own, so that its peak is its own. */
function read(path: string, way: Way): Reading {
  const bytes = readFileSync(path);
  const startedAt = performance.now();
  const jobs = WAYS[way](bytes.toString());
  return { jobs, ms: performance.now() - startedAt, peakMebi: process.resourceUsage().maxRSS / 1024 };
}

function readApart(path: string, way: Way): Reading {
  const args = [import.meta.filename, '--read', path, '--way', way];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }));
}

/** `squeue --json` of 22.05 with so many jobs: those of the recording again and again, under other numbers and names. */
function answerOf(others: number, own: number): string {
  const recorded = JSON.parse(readFileSync(FIXTURE, 'utf8'));
  const jobs = Array.from({ length: others + own }, (_, index) => {
    const id = 1_000_000 + index;
    const isOwn = index % Math.ceil((others + own) / Math.max(1, own)) === 0;
    const mine = { name: `train${MARK}${id}-1`, user_name: 'ada' };
    return {
      ...recorded.jobs[index % recorded.jobs.length],
      job_id: id,
      ...(isOwn ? mine : { name: `job ${id}`, user_name: `u${index % 300}` }),
    };
  });
  return JSON.stringify({ ...recorded, jobs });
}

/** The same jobs as the table that `orrery why` asks for has them. */
function tableOf(answer: string): string {
  const { jobs } = JSON.parse(answer);
  return jobs
    .map((job: Record<string, unknown>) =>
      [
        job['job_id'],
        'N/A',
        job['user_name'],
        job['partition'],
        'PENDING',
        'Priority',
        4_294_901_000,
        2,
        'N/A',
        '',
      ].join('|'),
    )
    .join('\n');
}

function cells({ ms, peakMebi }: Reading): string[] {
  return [ms.toFixed(ms < 10 ? 1 : 0), peakMebi.toFixed(0)];
}

if (options.read !== undefined) {
  if (!isWay(options.way)) throw new Error(`--way: expected one of ${Object.keys(WAYS).join(', ')}`);
  console.log(JSON.stringify(read(options.read, options.way)));
} else {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-look-'));
  console.log(`${cpus()[0]?.model ?? 'unknown CPU'}, Node ${process.versions.node}; ${options.own} jobs are our own`);
  console.log(
    '| jobs of others | asked of all, MiB | JSON.parse, ms | peak, MiB | a look, ms | peak, MiB | asked of ours, MiB | a look, ms | peak, MiB | table of all, MiB | read, ms | peak, MiB |',
  );
  console.log(`|${' --- |'.repeat(12)}`);
  try {
    for (const others of options.others.split(',').map(Number)) {
      const [all, ours, table] = ['all.json', 'ours.json', 'table.txt'].map((name) => join(folder, name));
      if (all === undefined || ours === undefined || table === undefined) break;
      const texts = [answerOf(others, Number(options.own)), answerOf(0, Number(options.own))] as const;
      writeFileSync(all, texts[0]);
      writeFileSync(ours, texts[1]);
      const rows = tableOf(texts[0]);
      writeFileSync(table, rows);
      const size = (text: string) => (Buffer.byteLength(text) / MEBI).toFixed(1);
      const row = [others, size(texts[0]), ...cells(readApart(all, 'parse')), ...cells(readApart(all, 'look'))];
      row.push(size(texts[1]), ...cells(readApart(ours, 'look')), size(rows), ...cells(readApart(table, 'table')));
      console.log(`| ${row.join(' | ')} |`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}
