import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { collectSaved } from '../../src/backend/slurm/saved/collect.ts';
import { readSlurmSaved, snapshotOf } from '../../src/backend/slurm/saved/read-saved.ts';
import { importCluster, renderImport } from '../../src/cli/slurm-import/import-cluster.ts';
import { packageFolder } from '../../src/cli/package-folder.ts';
import { readQueueCsv } from '../../src/formats/queue-csv.ts';
import { readSacctDump } from '../../src/formats/sacct-dump.ts';
import { parseScenarioFile } from '../../src/formats/scenario-file.ts';

/** What a real Slurm 22.05 printed: `record-reservations.ts`. */
const SAVED = join(import.meta.dirname, 'saved-reservations');
const run = promisify(execFile);
const MAIN = join(packageFolder(), 'src', 'cli', 'main.ts');
const folder = mkdtempSync(join(tmpdir(), 'orrery-reservations-'));
afterAll(() => rmSync(folder, { recursive: true }));

const { saved } = await collectSaved(SAVED);
const imported = readSlurmSaved(saved);
const out = join(folder, 'mine');
const report = await importCluster({ out, saved: SAVED, days: 28 });
const nowYaml = readFileSync(join(out, 'now.yaml'), 'utf8');

/** When jobs start, in seconds from the import on, by their names. */
async function startsOf(scenario: string): Promise<ReadonlyMap<string, string>> {
  const file = join(folder, 'starts.csv');
  const args = ['sim', '--scenario', join(out, scenario), '--trace', join(folder, 'next.csv'), '--jobs-out', file];
  const { stdout } = await run(process.execPath, [MAIN, ...args]);
  expect(/ reservation repair +2 nodes, 0 s to 9.7 min\n/.test(stdout)).toBe(scenario !== 'free.yaml');
  const [header = '', ...lines] = readFileSync(file, 'utf8').trim().split('\n');
  const [job, start] = ['job', 'start_s'].map((name) => header.split(',').indexOf(name));
  return new Map(lines.map((line) => [line.split(',')[job ?? 0] ?? '', line.split(',')[start ?? 0] ?? '']));
}

describe('reservations of nodes', () => {
  it('count from the import on; those that hold no whole nodes, or never come, are left out', () => {
    expect(imported.reservations).toEqual([
      { name: 'repair', nodes: ['n1', 'n2'], startMs: 0, endMs: 584_000, users: ['root'], accounts: [] },
      { name: 'course', nodes: ['n3'], startMs: 0, endMs: 3_584_000, users: [], accounts: ['teaching'] },
      { name: 'later', nodes: ['n4'], startMs: 1_784_000, endMs: 5_384_000, users: ['games', 'man'], accounts: [] },
      { name: 'friday', nodes: ['n8'], startMs: 1_784_000, endMs: 5_384_000, users: ['games'], accounts: [] },
      { name: 'nightly', nodes: ['n6'], startMs: 28_784_000, endMs: 32_384_000, users: ['root'], accounts: [] },
      { name: 'others', nodes: ['n7'], startMs: 0, endMs: 3_584_000, users: [], accounts: [] },
    ]);
    expect(parseScenarioFile(nowYaml, 'now.yaml').fields.reservations).toEqual(imported.reservations);
  });

  it('are named by the import', () => {
    expect(renderImport(report)).toContain(
      '3 that run and 2 that wait now; reservations repair, course, later, friday, nightly, others\n',
    );
  });

  it('are told in one note where they are not as on the cluster', () => {
    expect(report.leftOut.filter((line) => line.includes('reservation'))).toEqual([
      'reservations that are not as on the cluster: later (FLEX: its jobs start while it lasts and on its nodes alone), cores (left out: it holds cores, not nodes), nightly (DAILY: once), drifting (left out: TIME_FLOAT: its start moves on with the clock), others (of all but some those may use it whose jobs in the queue name it), seats (left out: it holds no nodes)',
    ]);
  });

  it('give nodes under maintenance back, and not those that are out for something else', () => {
    expect(saved.node.text).toMatch(/NodeName=n1 .*State=IDLE\+MAINTENANCE/);
    expect(imported.nodesOut).toEqual([]);
    const withState = (state: string) => ({
      ...saved.node,
      text: saved.node.text.replace('State=IDLE+MAINTENANCE+RESERVED', `State=${state}`),
    });
    const drained = readSlurmSaved({ ...saved, node: withState('IDLE+DRAIN+MAINTENANCE+RESERVED') });
    expect(drained.nodesOut.map(({ name }) => name)).toEqual(['n1']);
    const { reservation: _, ...without } = saved;
    expect(readSlurmSaved(without).nodesOut.map(({ name }) => name)).toEqual(['n1', 'n2']);
  });

  it('are what a forecast goes by as well', () => {
    expect(snapshotOf(imported).policy.reservations).toEqual(imported.reservations);
  });

  it('keep the jobs that name them: in the queue, and in accounting', () => {
    const queue = readQueueCsv(readFileSync(join(out, 'queue.csv'), 'utf8'), 'queue.csv');
    const named = Object.fromEntries(queue.map(({ job, reservation }) => [job, reservation]));
    expect(named).toEqual({ 1: 'course', 3: 'later', 4: undefined, 5: 'course', 6: 'friday' });
    const history = readSacctDump(saved.sacct?.text ?? '', 'sacct.txt');
    expect(history.rows.map(({ job, reservation }) => [job, reservation])).toEqual([['2', 'others']]);
  });

  it('are over once they have ended, and none without a time', () => {
    const later = { ...saved.squeue, name: 'squeue.txt', text: '' };
    const config = { name: 'config.txt', text: 'Configuration data as of 2026-11-28T17:00:00\n' };
    const names = readSlurmSaved({ ...saved, squeue: later, config }).reservations.map(({ name }) => name);
    expect(names).not.toContain('repair');
    expect(names).toContain('course');
    const { reservations, notes } = readSlurmSaved({ ...saved, squeue: later });
    expect(reservations).toEqual([]);
    expect(notes).toContainEqual(expect.stringMatching(/^reservations repair, .*left out, since it is not known/));
  });

  it('know of groups whoever has a job in them', () => {
    const text =
      'ReservationName=lab StartTime=2026-11-28T16:00:00 EndTime=2026-11-28T18:00:00 Nodes=n[3-4,99] Groups=lab Users=(null) Accounts=(null) Flags=\n';
    const squeue = { name: 'squeue.txt', text: saved.squeue?.text.replaceAll('|later|', '|lab|') ?? '' };
    const reading = readSlurmSaved({ ...saved, squeue, reservation: { name: 'reservation.txt', text } });
    expect(reading.reservations).toMatchObject([{ name: 'lab', nodes: ['n3', 'n4'], users: ['games'] }]);
  });

  it('are refused with a date that is none, in one line', () => {
    const text = saved.reservation?.text.replace('EndTime=2026-11-28T17:47:39', 'EndTime=soon') ?? '';
    expect(() => readSlurmSaved({ ...saved, reservation: { name: 'reservation.txt', text } })).toThrow(
      'reservation.txt:2 reservation course: EndTime: expected a date such as 2026-01-31T12:00:00, got "soon"',
    );
  });
});

describe('the twin from now on', () => {
  it('keeps jobs off what is reserved, and has those that name a reservation wait for it', async () => {
    writeFileSync(
      join(folder, 'next.csv'),
      'job,submit_s,nodes,gpus_per_node,runtime_s,limit_s,exclusive,user,account\ngang,1,3,0,60,300,true,games,vision\n',
    );
    const starts = await startsOf('now.yaml');
    // n1 and n2 are under maintenance until then; n3 and n7 are others'.
    expect(Number(starts.get('gang'))).toBeGreaterThanOrEqual(584);
    expect(Number(starts.get('gang'))).toBeLessThan(700);
    // Other nodes are idle: it waits for job 1 on the only node of its reservation.
    expect(Number(starts.get('5'))).toBeGreaterThan(500);
    expect(Number(starts.get('6'))).toBeGreaterThanOrEqual(1784);
    expect(Number(starts.get('6'))).toBeLessThan(1900);
    writeFileSync(join(out, 'free.yaml'), 'base: now.yaml\nreservations: []\n');
    const free = await startsOf('free.yaml');
    expect(['gang', '5', '6'].map((job) => Number(free.get(job)) < 100)).toEqual([true, true, true]);
    const files = [join(out, 'now.yaml'), join(out, 'free.yaml')];
    const compared = await run(process.execPath, [MAIN, 'sim', 'compare', ...files]);
    expect(compared.stdout).toContain('having no reservations cuts the');
  });

  it.each([
    [
      'name: a, nodes: [n9], startSeconds: 0, endSeconds: 9',
      'the scenario: reservation a: expected nodes of the cluster, such as n1; it has none of 1, n9 for one',
    ],
    [
      'name: a, nodes: [n1], startSeconds: 9, endSeconds: 9',
      'reservations[0].endSeconds: expected an end after startSeconds',
    ],
    [
      'name: a, nodes: [n1], startSeconds: 0, endSeconds: 9}, {name: a, nodes: [n2], startSeconds: 0, endSeconds: 9',
      'bad.yaml:2:73 reservations[1].name: expected each name once, got "a" again',
    ],
  ])('refuses {%s} in one line', async (fields, message) => {
    writeFileSync(join(out, 'bad.yaml'), `base: now.yaml\nreservations: [{${fields}}]\n`);
    const failure = await startsOf('bad.yaml').catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
  });
});
