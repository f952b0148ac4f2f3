import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { root } from './support/daemon.ts';
import { ensureSlurm, type SlurmCluster, startSlurm } from './support/slurm-cluster.ts';

const folder = mkdtempSync(join(tmpdir(), 'orrery-health-'));
chmodSync(folder, 0o755);
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const hasSlurm = ensureSlurm();
/** Slurm waits with its other messages to the nodes while a health check is under way: every second would leave them no turn. */
const HEALTH_INTERVAL = 'HealthCheckInterval=4';
const POLL = { timeout: 60_000, interval: 300 };

let slurm: SlurmCluster | undefined;
afterEach(async () => {
  await slurm?.stop();
  slurm = undefined;
});

/** A check that fails on nodes for which there is a file: all of them share this machine. */
writeFileSync(
  join(folder, 'fire.sh'),
  `#!/bin/sh
[ -n "$SLURM_JOB_ID" ] && [ -e ${folder}/burning-$SLURMD_NODENAME-of-a-job ] || [ -e ${folder}/burning-$SLURMD_NODENAME ] || exit 0
echo "smoke; \\"quoted\\" | and more"
exit 2
`,
  { mode: 0o755 },
);
writeFileSync(
  join(folder, 'health.yaml'),
  `custom:\n  - {name: fire, command: [${folder}/fire.sh], severity: high}\nskip: [zombies, disk-space, disk-inodes, clock-skew, clock-source, block-devices]\n`,
);
const burning = (node: string) => join(folder, `burning-${node}`);
const ignite = (node: string) => writeFileSync(burning(node), '');
const quench = (node: string) => rmSync(burning(node));

/** What the guide has administrators install: slurmd gives no PATH. */
function script(occasion: string, ...more: string[]): string {
  const path = join(folder, `${occasion}.sh`);
  const command = `${process.execPath} ${join(root, 'bin', 'orrery.js')} health check --as ${occasion} --expect ${folder}/health.yaml ${more.join(' ')}`;
  writeFileSync(
    path,
    `#!/bin/sh\nexport PATH=/usr/local/bin:/usr/bin:/bin SLURM_CONF=$(cat ${folder}/conf) ORRERY_HOME=${folder}/home\nexec ${command} >>${folder}/${occasion}.log 2>&1\n`,
    { mode: 0o755 },
  );
  return path;
}

async function start(confLines: string[]): Promise<(command: string, ...args: string[]) => string> {
  // At slurmd's first check the configuration's place is not known yet: it is in the environment of the cluster.
  writeFileSync(join(folder, 'conf'), '/no/conf/yet');
  const started = await startSlurm({ nodes: 2, cpusPerNode: 1, credentialSeconds: 5, confLines });
  slurm = started;
  writeFileSync(join(folder, 'conf'), started.env['SLURM_CONF'] ?? '');
  return (command, ...args) => execFileSync(command, args, { env: started.env, encoding: 'utf8' }).trim();
}

describe.runIf(hasSlurm)('a real Slurm', () => {
  it('has a node drained by the health check, and given back; what others drained stays theirs', async () => {
    const run = await start([`HealthCheckProgram=${script('healthcheck')}`, HEALTH_INTERVAL]);
    const state = (node: string) => run('sinfo', '-h', '-N', '-n', node, '-o', '%T|%E');
    ignite('s1');
    await expect.poll(() => state('s1'), POLL).toBe('drained|health: fire: smoke; "quoted" | and more');
    expect(state('s2')).toBe('idle|none');
    // Its jobs go elsewhere.
    expect(run('srun', '-N1', '/bin/sh', '-c', 'echo $SLURMD_NODENAME')).toBe('s2');
    quench('s1');
    await expect.poll(() => state('s1'), POLL).toBe('idle|none');

    run('scontrol', 'update', 'NodeName=s2', 'State=DRAIN', 'Reason=new fan');
    ignite('s2');
    const log = () => readFileSync(join(folder, 'healthcheck.log'), 'utf8');
    await expect.poll(log, POLL).toContain('node s2 is out of service already: new fan');
    quench('s2');
    const lines = log().split('\n').length;
    // A check or two later nothing has changed.
    await new Promise((resolve) => setTimeout(resolve, 10_000));
    expect(state('s2')).toBe('drained|new fan');
    expect(log().split('\n').slice(lines).join('\n')).not.toContain('given back');
  }, 180_000);

  it('has the jobs of a drained node requeued where that is asked for', async () => {
    const run = await start([`HealthCheckProgram=${script('healthcheck', '--requeue')}`, HEALTH_INTERVAL]);
    const job = run('sbatch', '--parsable', '-w', 's1', '--output=/dev/null', '--wrap=sleep 600');
    const state = () => run('scontrol', 'show', 'job', job);
    await expect.poll(state, POLL).toMatch(/JobState=RUNNING[^]*Restarts=0/);
    ignite('s1');
    await expect.poll(state, POLL).toMatch(/JobState=PENDING[^]*Restarts=1/);
    expect(run('sinfo', '-h', '-N', '-n', 's1', '-o', '%E')).toMatch(/^health: fire/);
    expect(readFileSync(join(folder, 'healthcheck.log'), 'utf8')).toContain(`node s1 is drained; requeued: ${job}\n`);
    quench('s1');
    run('scancel', job);
  }, 180_000);

  it('takes a node out whose prolog fails, and runs the job on another', async () => {
    const run = await start([`Prolog=${script('prolog')}`, 'SchedulerParameters=nohold_on_prolog_fail,bf_interval=1']);
    // The first node is the one a job gets.
    ignite('s1');
    const output = join(folder, 'where.txt');
    const job = run(
      'sbatch',
      '--parsable',
      `--output=${output}`,
      '--wrap=echo ran on $SLURMD_NODENAME, restart $SLURM_RESTART_COUNT',
    );
    const state = () => run('sinfo', '-h', '-N', '-n', 's1', '-o', '%T|%E');
    await expect.poll(state, POLL).toMatch(/^drained\|Prolog error/);
    await expect
      .poll(() => existsSync(output) && readFileSync(output, 'utf8'), { timeout: 120_000, interval: 500 })
      .toBe('ran on s2, restart 1\n');
    await expect.poll(() => run('scontrol', 'show', 'job', job), POLL).toMatch(/JobState=COMPLETED[^]*Restarts=1/);
    expect(readFileSync(join(folder, 'prolog.log'), 'utf8')).toBe('CRITICAL s1: fire: smoke; "quoted" | and more\n');
    quench('s1');
  }, 240_000);

  it('gives back a node that its prolog drained by itself: Slurm keeps the reason that is there', async () => {
    const run = await start([
      `Prolog=${script('prolog', '--drain')}`,
      `HealthCheckProgram=${script('healthcheck')}`,
      'HealthCheckInterval=10',
      'SchedulerParameters=nohold_on_prolog_fail,bf_interval=1',
    ]);
    const state = () => run('sinfo', '-h', '-N', '-n', 's1', '-o', '%T|%E');
    rmSync(join(folder, 'prolog.log'), { force: true });
    // Only a prolog sees it.
    ignite('s1-of-a-job');
    const job = run('sbatch', '--parsable', '-w', 's1', '--output=/dev/null', '--wrap=true');
    await expect.poll(state, POLL).toBe('drained|health: fire: smoke; "quoted" | and more');
    quench('s1-of-a-job');
    expect(readFileSync(join(folder, 'prolog.log'), 'utf8')).toContain('node s1 is drained');
    expect(run('scontrol', 'show', 'job', job)).toContain('JobState=PENDING');
    await expect.poll(state, POLL).toMatch(/^(idle|mixed|allocated)\*?\|none$/);
  }, 180_000);

  it('drains the node after a job whose epilog fails', async () => {
    const run = await start([`Epilog=${script('epilog')}`]);
    const state = () => run('sinfo', '-h', '-N', '-n', 's1', '-o', '%T|%E');
    ignite('s1');
    expect(run('srun', '-N1', '-w', 's1', '/bin/sh', '-c', 'echo fine')).toBe('fine');
    await expect.poll(state, POLL).toMatch(/^drained\|Epilog error/);
    quench('s1');
  }, 120_000);
});

it('says what an operator has to do where Slurm does not let it', () => {
  const bin = mkdtempSync(join(folder, 'bin-'));
  writeFileSync(join(bin, 'sinfo'), '#!/bin/sh\necho "idle|none"\n', { mode: 0o755 });
  writeFileSync(join(bin, 'scontrol'), '#!/bin/sh\necho "slurm_update error: Invalid user id" >&2\nexit 1\n', {
    mode: 0o755,
  });
  ignite('n7');
  const args = ['health', 'check', '--as', 'healthcheck', '--expect', join(folder, 'health.yaml'), '--json'];
  const env = { PATH: `${bin}:${dirname(process.execPath)}`, SLURMD_NODENAME: 'n7', ORRERY_HOME: join(folder, 'home') };
  let failed: unknown;
  try {
    execFileSync(process.execPath, [join(root, 'bin', 'orrery.js'), ...args], { env, encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    failed = error;
  }
  quench('n7');
  expect(failed).toMatchObject({ status: 2 });
  const stdout = failed instanceof Error && 'stdout' in failed ? String(failed.stdout) : '';
  expect(JSON.parse(stdout)).toMatchObject({
    node: 'n7',
    status: 'critical',
    nodeAction: {
      action: 'refused',
      message:
        'slurm_update error: Invalid user id. As an operator of Slurm: scontrol update NodeName=n7 State=DRAIN \'Reason=health: fire: smoke; "quoted" | and more\'',
    },
  });
});
