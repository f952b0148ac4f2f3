import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { expandNodes } from '../../src/cluster/cluster.ts';
import { collectLive, collectSaved } from '../../src/backend/slurm/saved/collect.ts';
import { importCluster, readWithRunTimes } from '../../src/cli/slurm-import/import-cluster.ts';
import { importFiles } from '../../src/cli/slurm-import/import-files.ts';
import { SlurmCommands } from '../../src/backend/slurm/slurm-commands.ts';
import { readSlurmSaved } from '../../src/backend/slurm/saved/read-saved.ts';
import { recipe, SAVED_FILES } from '../../src/backend/slurm/saved/saved-files.ts';
import { parseClusterFile } from '../../src/formats/cluster-file.ts';
import { parsePolicyFile } from '../../src/formats/policy-file.ts';
import { readQueueCsv } from '../../src/formats/queue-csv.ts';
import { parseSlurmConf } from '../../src/formats/slurm-conf.ts';
import { traceOptionsOf } from '../../src/formats/slurm-job-rules.ts';
import { PLAIN_ROW } from '../../src/formats/trace-row.ts';
import { readUsageCsv } from '../../src/formats/usage-csv.ts';
import { runTwin } from '../../src/twin/engine.ts';
import type { QueueRow } from '../../src/twin/snapshot.ts';
import { traceJobs } from '../../src/twin/trace-source.ts';
import { siteWorkload } from './workload.ts';

/** What a real Slurm 22.05 printed, with its slurm.conf: `record-saved.ts`. */
const SAVED = join(import.meta.dirname, 'saved');
const text = (name: string) => ({ name, text: readFileSync(join(SAVED, name), 'utf8') });
const folder = mkdtempSync(join(tmpdir(), 'orrery-import-'));
afterAll(() => rmSync(folder, { recursive: true }));

const { saved } = await collectSaved(SAVED);
const imported = readWithRunTimes(saved);
const files = importFiles(imported, 'a test');
const file = (name: Parameters<typeof files.get>[0]) => files.get(name) ?? '';
const fromConf = parseSlurmConf({
  conf: text('slurm.conf'),
  topology: text('topology.conf'),
  qos: text('qos.txt'),
  associations: text('assoc.txt'),
});

describe('what scontrol shows', () => {
  it('is the same cluster and policy as its slurm.conf', () => {
    expect(imported.slurm.nodes).toEqual(fromConf.nodes);
    expect(imported.slurm.policy.cadence).toEqual(fromConf.policy.cadence);
    expect(imported.slurm.policy).toEqual({
      ...fromConf.policy,
      partitions: fromConf.policy.partitions?.map((partition) => ({
        priorityTier: 1,
        priorityJobFactor: 1,
        ...partition,
      })),
      // What nobody has set, scontrol tells as the default that is in force.
      priority: { isSmallFavored: false, ...fromConf.policy.priority },
    });
    expect(imported.slurm.rules).toEqual(fromConf.rules);
    expect(imported.slurm.timing).toEqual(fromConf.timing);
  });

  it('says what of it the twin leaves out, and nothing that is a default', () => {
    expect(imported.slurm.ignored.map(({ key }) => key)).toEqual(['MaxJobCount']);
  });
});

describe('the files that are written', () => {
  it('read as what was imported', () => {
    const cluster = parseClusterFile(file('cluster.yaml'), 'cluster.yaml', []);
    expect(expandNodes(cluster, { cpus: 0, memoryBytes: 0, gpus: 0 })).toEqual(imported.slurm.nodes);
    const policy = parsePolicyFile(file('policy.yaml'), 'policy.yaml');
    expect(policy.options).toEqual(imported.slurm.policy);
    expect(policy.timing).toEqual(imported.slurm.timing);
    expect(policy.rules).toEqual(imported.slurm.rules);
    const withoutLine = (row: QueueRow) => ({ ...row, line: 0 });
    expect(readQueueCsv(file('queue.csv'), 'queue.csv').map(withoutLine)).toEqual(imported.queue.map(withoutLine));
    expect(readUsageCsv(file('usage.csv'), 'usage.csv')).toEqual(imported.usage);
  });

  it('make the twin decide as the slurm.conf does', () => {
    const jobs = siteWorkload({
      seed: 5,
      jobs: 300,
      before: 150,
      beforeSeconds: 60,
      afterSeconds: 90,
      workSeconds: 300,
      gpus: 64,
    });
    const rows = jobs.flatMap((job, index) =>
      job.nodes > 4
        ? []
        : {
            ...PLAIN_ROW,
            line: index + 1,
            job: String(index + 1),
            submitMs: job.submitMs,
            nodes: Math.min(job.nodes, job.partition === 'debug' ? 1 : 3),
            gpusPerNode: job.gpusPerNode,
            runMs: job.runSeconds * 1000,
            limitMs: job.limitMinutes * 60_000,
            user: job.user,
            account: job.account,
            qos: job.qos,
            partition: job.partition,
          },
    );
    const hashOf = (nodes: typeof fromConf.nodes, policy: typeof fromConf.policy, rules: typeof fromConf.rules) =>
      runTwin({
        nodes,
        policy,
        timing: fromConf.timing,
        jobs: traceJobs(rows, { nodes, policy, ...traceOptionsOf(rules) }).source,
        incidents: null,
        operator: null,
        observers: [],
        untilMs: null,
      });
    const cluster = parseClusterFile(file('cluster.yaml'), 'cluster.yaml', []);
    const { options, rules } = parsePolicyFile(file('policy.yaml'), 'policy.yaml');
    const nodes = expandNodes(cluster, { cpus: 0, memoryBytes: 0, gpus: 0 });
    const ours = hashOf(nodes, options, rules ?? fromConf.rules);
    expect(ours).toEqual(hashOf(fromConf.nodes, fromConf.policy, fromConf.rules));
    expect(ours.jobsEnded).toBeGreaterThan(250);
    // A hash that something else gives as well would say nothing.
    const other = hashOf(nodes, { ...options, bfIntervalSeconds: 30 }, fromConf.rules);
    expect(other.stateHash).not.toBe(ours.stateHash);
  });
});

describe('the queue', () => {
  const row = (job: string) => imported.queue.find((one) => one.job === job);

  it('has what runs, with its nodes, since when, and how long it may be expected to run', () => {
    expect(row('13')).toMatchObject({
      nodeNames: ['dgx1', 'dgx2', 'dgx3'],
      nodes: 3,
      gpusPerNode: 8,
      cpusPerNode: 4,
      limitMs: 1_200_000,
      qos: 'low',
      isHeld: false,
    });
    expect(row('13')?.actualStartMs).toBeLessThan(0);
    expect(row('13')?.runMs).toBeGreaterThan(-(row('13')?.actualStartMs ?? 0));
    expect(row('14')).toMatchObject({ isExclusive: true, cpusPerNode: 64, gpusPerNode: 8 });
  });

  it('takes arrays apart, and keeps their throttle', () => {
    const tasks = imported.queue.filter(({ array }) => array?.name === '18');
    expect(tasks.map(({ job }) => job).toSorted()).toEqual(['18_0', '18_1', '18_2', '18_3', '18_4', '18_5']);
    expect(tasks.every(({ array }) => array?.runningMax === 2)).toBe(true);
    expect(tasks.filter(({ nodeNames }) => nodeNames !== null)).toHaveLength(1);
  });

  it('knows who waits for whom, who is held, and who may start later only', () => {
    expect(row('17')?.after).toEqual([{ condition: 'afterok', job: '16' }]);
    expect(row('19')?.isHeld).toBe(true);
    expect(row('20')).toMatchObject({ cpusPerNode: 9, gpusPerNode: 0, isHeld: false });
    expect(row('20')?.eligibleMs).toBeGreaterThan(500_000);
    expect(row('21')).toMatchObject({ gpuType: 'a100', priority: -50 });
  });

  it('has the nodes that are out of service', () => {
    expect(imported.nodesOut).toEqual([{ name: 'dgx4', state: 'IDLE+DRAIN' }]);
    expect(file('now.yaml')).toContain('nodesOut: dgx4');
  });
});

describe('the guide', () => {
  const guide = readFileSync(join(import.meta.dirname, '../../docs/guides/slurm-import.md'), 'utf8');

  it('has the recipe that the command prints', () => {
    expect(guide).toContain(`\`\`\`sh\n${recipe(28)}\n\`\`\``);
  });

  it.each(SAVED_FILES)('says what $name is for', ({ name, without }) => {
    expect(guide).toMatch(new RegExp(`^\\| \`${name}\\.txt\` \\|.*\\|`, 'm'));
    expect(guide.replaceAll('`', '')).toContain(`| ${without.replaceAll('`', '')} |`);
  });
});

describe('where something is missing', () => {
  const copy = (name: string, but: readonly string[]) => {
    const target = join(folder, name);
    mkdirSync(target);
    for (const one of readdirSync(SAVED)) {
      if (!but.includes(one)) writeFileSync(join(target, one), readFileSync(join(SAVED, one)));
    }
    return target;
  };

  it.each(SAVED_FILES.filter(({ name }) => name !== 'node'))(
    'imports the rest without $name',
    async ({ name, without }) => {
      const out = join(folder, `out-${name}`);
      const report = await importCluster({ out, saved: copy(`no-${name}`, [`${name}.txt`]), days: 28 });
      expect(report.missing).toEqual([`${name}.txt: not there: ${without}`]);
      expect(report.nodes).toBe(8);
      expect(readdirSync(out).toSorted()).toEqual([...report.files].toSorted());
    },
  );

  it('takes for missing what a command printed instead of a table', async () => {
    const target = copy('refused', []);
    writeFileSync(join(target, 'sacct.txt'), 'Slurm accounting storage is disabled\n');
    writeFileSync(join(target, 'sshare.txt'), '');
    const report = await importCluster({ out: join(folder, 'out-refused'), saved: target, days: 28 });
    expect(report.missing).toEqual([
      'sshare.txt: empty: no past use: fair-share begins anew',
      expect.stringMatching(/^sacct\.txt: Slurm accounting storage is disabled: no history/),
    ]);
    expect(report.files).not.toContain('scenario.yaml');
  });

  it.each([
    ['sacct', 'JobID|State|Start|End|NNodes\n1|COMPLETED|||1\n', 'without column Submit'],
    ['sacct', '1|COMPLETED|2026-11-26T10:00:00|5|1\n', 'no header: expected sacct without -n'],
    ['sacct', 'JobID           State\n------- -------\n1 COMPLETED\n', 'columns padded with blanks: expected sacct -P'],
    ['sacct', '{"jobs": []}\n', 'no table: expected sacct -P'],
    ['squeue', '12|RUNNING|ann\n', 'no header that is known'],
    ['squeue', 'JOBID PARTITION NAME\n12 gpu x\n', 'no table with bars between its columns'],
    ['qos', 'Name|MaxWall\nnormal|\n', 'without column priority'],
    ['assoc', 'Account|User\nroot|\n', 'without column share'],
  ])('goes on without a %s in other columns, and says which are missing: %j', async (name, text, trouble) => {
    const target = copy(`columns-${name}-${text.length}`, []);
    writeFileSync(join(target, `${name}.txt`), text);
    const report = await importCluster({ out: join(folder, `out-${name}-${text.length}`), saved: target, days: 28 });
    expect(report.missing).toHaveLength(1);
    expect(report.missing[0]).toContain(
      `${name}.txt: ${trouble} (orrery clusters import --recipe prints the commands): no `,
    );
    expect(report.files).toContain('now.yaml');
  });

  it('reads a history with other columns than the recipe, and with what --delimiter gave', async () => {
    const target = copy('delimiter', []);
    const lines = [
      'JobID,State,Submit,Start,End,NNodes',
      '7,COMPLETED,2026-11-26T10:00:00,2026-11-26T10:00:05,2026-11-26T11:00:05,2',
    ];
    writeFileSync(join(target, 'sacct.txt'), `${lines.join('\n')}\n`);
    const report = await importCluster({ out: join(folder, 'out-delimiter'), saved: target, days: 28 });
    expect([report.missing, report.jobs]).toEqual([[], 1]);
  });

  it('refuses without the nodes, in one line', async () => {
    const target = copy('no-node', ['node.txt']);
    await expect(importCluster({ out: join(folder, 'none'), saved: target, days: 28 })).rejects.toMatchObject({
      code: 'ORR_BAD_FILE',
      message: 'node.txt: not there: nothing can be imported',
    });
    writeFileSync(join(target, 'node.txt'), 'slurm_load_node error: Unable to contact slurm controller\n');
    await expect(importCluster({ out: join(folder, 'none'), saved: target, days: 28 })).rejects.toThrow(
      'node.txt:1 expected the output of scontrol show node, found no node',
    );
    expect(existsSync(join(folder, 'none'))).toBe(false);
  });

  it('says so where there is no Slurm', async () => {
    await expect(
      collectLive(new SlurmCommands({ host: null, socketFolder: null, env: { PATH: folder }, timeoutMs: 10_000 }), 28),
    ).rejects.toMatchObject({
      code: 'ORR_FAILED',
      message: 'scontrol -o show node: no such command: nothing can be imported',
    });
  });

  it('says so at once where slurmctld is away: each command would wait for it', async () => {
    const bin = join(folder, 'away');
    mkdirSync(bin);
    const asked = join(folder, 'asked');
    for (const name of ['squeue', 'scontrol', 'sacct', 'sacctmgr', 'sshare', 'sprio', 'sdiag']) {
      const said = 'slurm_load_jobs error: Unable to contact slurm controller (connect failure)';
      writeFileSync(join(bin, name), `#!/bin/sh\necho ${name} >>${asked}\necho '${said}' >&2\nexit 1\n`, {
        mode: 0o755,
      });
    }
    const env = { PATH: `${bin}:/usr/bin:/bin` };
    const commands = new SlurmCommands({ host: null, socketFolder: null, env, timeoutMs: 10_000 });
    await expect(collectLive(commands, 28)).rejects.toMatchObject({ code: 'ORR_UNREACHABLE' });
    expect(readFileSync(asked, 'utf8')).toBe('squeue\n');
  });

  it('takes the weights from sprio where the settings are missing', async () => {
    const { saved: texts } = await collectSaved(join(folder, 'no-config'));
    expect(readSlurmSaved(texts).slurm.policy.priority).toMatchObject({
      type: 'multifactor',
      weights: { age: 2000, fairshare: 10_000, qos: 4000 },
    });
  });
});

describe('the folder', () => {
  it('is refused where it is there, and with --force replaced where an import wrote it', async () => {
    const out = join(folder, 'mine');
    await importCluster({ out, saved: SAVED, days: 28 });
    await expect(importCluster({ out, saved: SAVED, days: 28 })).rejects.toMatchObject({ code: 'ORR_CONFLICT' });
    writeFileSync(join(out, 'queue.csv'), 'old');
    await importCluster({ out, saved: SAVED, days: 28, force: true });
    expect(readFileSync(join(out, 'queue.csv'), 'utf8')).toBe(file('queue.csv'));
    writeFileSync(join(out, 'thesis.tex'), 'mine');
    await expect(importCluster({ out, saved: SAVED, days: 28, force: true })).rejects.toThrow(/holds thesis\.tex/);
    expect(readFileSync(join(out, 'thesis.tex'), 'utf8')).toBe('mine');
  });

  it('leaves nothing behind where it cannot be written', async () => {
    writeFileSync(join(folder, 'a-file'), '');
    const out = join(folder, 'a-file', 'out');
    await expect(importCluster({ out, saved: SAVED, days: 28 })).rejects.toMatchObject({ code: 'ORR_BAD_FILE' });
    expect(readdirSync(folder).filter((name) => name.includes('.tmp'))).toEqual([]);
  });
});
