import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageFolder } from '../package-folder.ts';

const MAIN = join(packageFolder(), 'src', 'cli', 'main.ts');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-sim-'));
  writeFileSync(join(folder, 'jobs.csv'), 'job,submit_s,nodes,gpus_per_node,runtime_s,limit_s\na,0,1,8,600,1200\n');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** `orrery sim` on a trace of one job, as a real process. */
function sim(args: string): ReturnType<typeof simOf> {
  return simOf(`--trace jobs.csv --set nodes=4 ${args}`);
}

function simOf(args: string): Promise<{ status: number; stdout: string; stderr: string }> {
  const all = ['sim', ...args.split(' ')];
  const env = { PATH: process.env['PATH'], HOME: folder, LANG: 'C.UTF-8' };
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...all], { cwd: folder, env }, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

describe('orrery sim', () => {
  it('writes page and jobs, the page with the document of --json and without the names of files', async () => {
    const first = await sim('--report a.html --jobs-out jobs-out.csv --json');
    expect(first.status).toBe(0);
    expect(first.stderr).toContain('wrote a.html\nwrote jobs-out.csv\n');
    const page = readFileSync(join(folder, 'a.html'), 'utf8');
    const [, text = ''] = /id="run">(.*?)<\/script>/s.exec(page) ?? [];
    expect(JSON.parse(text)).toEqual(JSON.parse(first.stdout));
    expect(page).toContain('orrery sim --trace jobs.csv --set nodes=4</code>');
    expect(readFileSync(join(folder, 'jobs-out.csv'), 'utf8')).toContain('\na,0,0,600,COMPLETED,1,1\n');
    expect((await sim('--report b.html')).status).toBe(0);
    expect(readFileSync(join(folder, 'b.html'), 'utf8')).toBe(page);
    expect(readdirSync(folder).toSorted()).toEqual(['a.html', 'b.html', 'jobs-out.csv', 'jobs.csv']);
  });

  it('says what it is told of failures that changes nothing without any', async () => {
    const { status, stdout, stderr } = await sim('--set failuresPerThousandNodeDays=9 --lemons on');
    expect(status).toBe(0);
    expect(stderr).toContain(
      'note: failuresPerThousandNodeDays and the detector of lemon nodes change nothing without failures, which --failures rsc-1 would add\n',
    );
    expect(stdout).toMatch(/^ {2}jobs +jobs\.csv \(csv\): 1 submitted$/m);
    expect(stderr).toMatch(/^1 job in /m);
    expect(stdout).toMatch(/^PREDICTED \(\d+ (?:s|min|h)\)$/m);
    const other = await sim('--set failuresPerThousandNodeDays=9 --failures rsc-1 --lemons on');
    expect(other.stderr).not.toContain('nothing without');
    expect(other.stderr).toContain('note: a job that fails before anything notices why is not submitted again');
  });

  it('runs an SWF trace on the machine of its header where no other is given, and says so', async () => {
    const job = (id: number, processors: number) =>
      `${id} 0 0 60 ${processors} -1 -1 ${processors} 90 -1 1 1 1 -1 -1 -1 -1 -1`;
    writeFileSync(join(folder, 'log.swf'), `; MaxNodes: 4\n; MaxProcs: 16\n${job(1, 16)}\n${job(2, 8)}\n`);
    const own = await simOf('--trace log.swf --json');
    expect(JSON.parse(own.stdout)).toMatchObject({ inputs: { cluster: 'header of log.swf', nodes: 4, gpus: 0 } });
    expect(own.stderr).toContain(
      'note: no cluster is given: it is the one that the header of log.swf tells, 4 nodes of 4 CPUs\n',
    );
    const given = await simOf('--trace log.swf --set nodes=9 --json');
    expect(JSON.parse(given.stdout)).toMatchObject({ inputs: { cluster: 'plain nodes', nodes: 9 } });
    writeFileSync(join(folder, 'log.swf'), `; Version: 2.2\n${job(1, 1)}\n`);
    const none = await simOf('--trace log.swf');
    expect([none.status, none.stderr]).toEqual([2, expect.stringMatching(/^orrery: cluster: missing: give/)]);
    rmSync(join(folder, 'log.swf'));
  });

  it('says what jobs wait for that never start, and of which jobs the waits are', async () => {
    writeFileSync(join(folder, 'site.yaml'), 'accounts:\n  - {name: vision, group: {gpus: 8}}\n');
    const rows = ['a,0,1,8,600,vision,', 'b,0,2,8,600,vision,', 'c,5,1,8,600,vision,afternotok:a'];
    writeFileSync(
      join(folder, 'limited.csv'),
      `job,submit_s,nodes,gpus_per_node,runtime_s,account,after\n${rows.join('\n')}\n`,
    );
    const { stdout } = await simOf('--trace limited.csv --set nodes=4 --policy site.yaml');
    rmSync(join(folder, 'site.yaml'));
    rmSync(join(folder, 'limited.csv'));
    expect(stdout).toMatch(
      /^ {2}jobs +1 started, 1 ended, 2 wait for ever \(AssocGrpGRES 1, DependencyNeverSatisfied 1\)$/m,
    );
    expect(stdout).toMatch(/^ {2}wait +.*, of those that started; 2 have not, 10 min so far$/m);
    expect(stdout).toMatch(/NOT STARTED\n *5-8 +1 +.* 1\n *9-64 +0( +-){5} +1\n/);
  });

  it('warns of a workload that asks for more than the cluster can do, and for QOS that the policy does not have', async () => {
    const over = await simOf('--workload rsc-1 --cluster rsc-phase1 --days 0.01');
    expect(over.stderr).toContain(
      'note: rsc-1 asks for 225.5 % of the GPU time that there is, so the queue grows until the end and waits are longer the longer the run: it is the work of 16,000 GPUs, and --load 0.38 has its share for 6,080\n',
    );
    const fitting = await simOf('--workload rsc-1 --cluster rsc-phase1 --days 0.01 --load 0.38');
    expect(fitting.stderr).not.toContain('note:');
    writeFileSync(join(folder, 'plain.yaml'), 'qos: [{name: high}]\n');
    const other = await simOf('--workload rsc-1 --cluster rsc-phase2 --days 0.01 --policy plain.yaml');
    rmSync(join(folder, 'plain.yaml'));
    expect(other.stderr).toContain('note: left out of rsc-1: QOS low: the policy has none of this name\n');
  });

  it('says where an optimum for failures is none, since jobs lose more by preemption', async () => {
    writeFileSync(
      join(folder, 'preempt.yaml'),
      'preempt: {type: qos}\nqos: [{name: normal}, {name: high, priority: 9, preempts: [normal]}]\n',
    );
    const rows = ['a,0,4,8,9000,normal', 'b,5000,4,8,600,high'];
    writeFileSync(
      join(folder, 'displaced.csv'),
      `job,submit_s,nodes,gpus_per_node,runtime_s,qos\n${rows.join('\n')}\n`,
    );
    const run = (interval: string) =>
      simOf(
        `--trace displaced.csv --set nodes=4 --policy preempt.yaml --failures rsc-1 --checkpoint-interval ${interval}`,
      );
    const [optimal, fixed] = [await run('young-daly'), await run('60m')];
    rmSync(join(folder, 'preempt.yaml'));
    rmSync(join(folder, 'displaced.csv'));
    expect(optimal.stderr).toMatch(
      /^note: young-daly intervals are the best for failures alone: here they cost 0 GPU-hours of work, preemption [\d.]+ GPU-hours; a fixed interval/m,
    );
    expect(fixed.status).toBe(0);
    expect(fixed.stderr).not.toContain('best for failures');
  });

  it('refuses jobs of a workload beyond the limits of their partition where a slurm.conf says so', async () => {
    const conf = (enforced: string) =>
      `ClusterName=c\nGresTypes=gpu\nEnforcePartLimits=${enforced}\nNodeName=n[1-9] CPUs=64 RealMemory=600000 Gres=gpu:8\nPartitionName=p Nodes=ALL MaxNodes=1\n`;
    const run = async (enforced: string) => {
      writeFileSync(join(folder, 'slurm.conf'), conf(enforced));
      const { stdout } = await simOf(
        '--slurm-conf slurm.conf --workload rsc-1 --days 1 --load 0.01 --failures none --json',
      );
      return JSON.parse(stdout);
    };
    const [refusing, keeping] = [await run('ALL'), await run('NO')];
    rmSync(join(folder, 'slurm.conf'));
    const remark = /^(\d+) jobs are not what the partition allows, or not whose, and are refused/;
    const [, refused] = remark.exec(refusing.inputs.remarks.at(-1).what) ?? [];
    expect(Number(refused)).toBeGreaterThan(3);
    expect(keeping.inputs.remarks.at(-1).what).toMatch(/, so that they wait for ever$/);
    expect(refusing.summary.jobsSubmitted).toBe(keeping.summary.jobsSubmitted - Number(refused));
  });

  it('refuses in one line what it could not write, before it runs, and leaves nothing behind', async () => {
    const before = readdirSync(folder);
    for (const [args, message] of [
      ['--report none/a.html', 'report: cannot write none/a.html: no such folder'],
      ['--report ok.html --jobs-out none/a.csv', 'jobs-out: cannot write none/a.csv: no such folder'],
      ['--report same --jobs-out ./same', 'jobs-out: expected another file than that of --report'],
    ] as const) {
      const { status, stdout, stderr } = await sim(args);
      expect([status, stdout]).toEqual([2, '']);
      expect(stderr.trimEnd()).toBe(`orrery: ${message}`);
    }
    expect((await sim('--report ok.html --policy nonesuch')).status).toBe(2);
    expect(readdirSync(folder)).toEqual(before);
  });
});
