import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, uptime } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { canMountHung, mountHung } from '../src/health/hung-mount.test-support.ts';
import { lemonListSchema, nodeDetailSchema } from '../src/contract/api.ts';
import { makeHome, removeHome, root, type RunningDaemon, startDaemon, until } from './support/daemon.ts';
import { ensureSshd, type LoginNode, makeLoginNode } from './support/login-node.ts';
import { orrery } from './support/orrery-command.ts';
import { ensureSlurm, type SlurmCluster, startSlurm } from './support/slurm-cluster.ts';
import { QUICK_LINES } from './support/slurm-daemon.ts';

const folder = mkdtempSync(join(tmpdir(), 'orrery-health-'));
chmodSync(folder, 0o755);
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const hasSlurm = ensureSlurm();
/** Slurm waits with its other messages to the nodes while a health check is under way: every second would leave them no turn. */
const HEALTH_INTERVAL = 'HealthCheckInterval=4';
/** Of sinfo. Slurm 24.11 without accounting has a blank for a reason then. */
const GIVEN_BACK = /^(?:idle|mixed|allocated)\*?\|(?:none)?$/;
const POLL = { timeout: 120_000, interval: 300 };

let slurm: SlurmCluster | undefined;
let daemon: RunningDaemon | undefined;
let login: LoginNode | undefined;
const homes: string[] = [];
afterEach(async () => {
  daemon?.process.kill('SIGKILL');
  await daemon?.exited;
  daemon = undefined;
  await slurm?.stop();
  slurm = undefined;
  await login?.remove();
  login = undefined;
  for (const home of homes.splice(0)) await removeHome(home);
  for (const node of ['s1', 's2']) {
    for (const name of ['burning', 'kernel']) rmSync(join(folder, `${name}-${node}`), { force: true });
  }
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
  `custom:\n  - {name: fire, command: [${folder}/fire.sh], severity: high}\nskip: [zombies, blocked-processes, disk-space, disk-inodes, clock-skew, clock-source, block-devices]\n`,
);
/** What the kernel of a node says; XID errors cannot be had without a GPU. */
mkdirSync(join(folder, 'bin'));
writeFileSync(
  join(folder, 'bin', 'dmesg'),
  `#!/bin/sh\ncat ${folder}/kernel-$SLURMD_NODENAME 2>/dev/null || echo '[    0.000000] Linux version 6'\n`,
  { mode: 0o755 },
);
const reported = (node: string, ...xids: number[]) =>
  writeFileSync(
    join(folder, `kernel-${node}`),
    xids
      .map((xid) => `[${(uptime() - 60).toFixed(6)}] NVRM: Xid (PCI:0000:dc:00): ${xid}, pid=1, name=python3\n`)
      .join(''),
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
    `#!/bin/sh\nexport PATH=${folder}/bin:/usr/local/bin:/usr/bin:/bin SLURM_CONF=$(cat ${folder}/conf) ORRERY_HOME=${folder}/home\nexec ${command} >>${folder}/${occasion}.log 2>&1\n`,
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
    expect(state('s2')).toMatch(GIVEN_BACK);
    // Its jobs go elsewhere.
    expect(run('srun', '-N1', '/bin/sh', '-c', 'echo $SLURMD_NODENAME')).toBe('s2');
    quench('s1');
    await expect.poll(() => state('s1'), POLL).toMatch(GIVEN_BACK);

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
  }, 400_000);

  it('has the jobs of a drained node requeued where that is asked for', async () => {
    const run = await start([`HealthCheckProgram=${script('healthcheck', '--requeue')}`, HEALTH_INTERVAL]);
    const job = run('sbatch', '--parsable', '-w', 's1', '--output=/dev/null', '--wrap=sleep 600');
    const state = () => run('scontrol', 'show', 'job', job);
    await expect.poll(state, POLL).toMatch(/JobState=RUNNING[^]*Restarts=0/);
    ignite('s1');
    await expect.poll(state, POLL).toMatch(/JobState=PENDING[^]*Restarts=1/);
    expect(run('sinfo', '-h', '-N', '-n', 's1', '-o', '%E')).toMatch(/^health: fire/);
    // It says so after it has done it.
    const log = () => readFileSync(join(folder, 'healthcheck.log'), 'utf8');
    await expect.poll(log, POLL).toContain(`node s1 is drained; requeued: ${job}\n`);
    quench('s1');
    run('scancel', job);
  }, 400_000);

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
      .poll(() => existsSync(output) && readFileSync(output, 'utf8'), { timeout: 240_000, interval: 500 })
      .toBe('ran on s2, restart 1\n');
    await expect.poll(() => run('scontrol', 'show', 'job', job), POLL).toMatch(/JobState=COMPLETED[^]*Restarts=1/);
    expect(readFileSync(join(folder, 'prolog.log'), 'utf8')).toBe('CRITICAL s1: fire: smoke; "quoted" | and more\n');
    quench('s1');
  }, 500_000);

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
    // The prolog drains the node before it says so and fails, and Slurm puts the job back after that.
    await expect.poll(() => readFileSync(join(folder, 'prolog.log'), 'utf8'), POLL).toContain('node s1 is drained');
    await expect.poll(() => run('scontrol', 'show', 'job', job), POLL).toMatch(/Restarts=[1-9]/);
    await expect.poll(state, POLL).toMatch(GIVEN_BACK);
  }, 400_000);

  it('drains the node after a job whose epilog fails', async () => {
    const run = await start([`Epilog=${script('epilog')}`]);
    const state = () => run('sinfo', '-h', '-N', '-n', 's1', '-o', '%T|%E');
    ignite('s1');
    expect(run('srun', '-N1', '-w', 's1', '/bin/sh', '-c', 'echo fine')).toBe('fine');
    await expect.poll(state, POLL).toMatch(/^drained\|Epilog error/);
    quench('s1');
  }, 240_000);
});

/** A home of whoever may drain nodes, or of an ordinary user, as whom `wrapper` runs a command. */
async function homeOf(isOperator: boolean): Promise<{ home: string; wrapper: readonly string[] }> {
  login = isOperator ? undefined : await makeLoginNode();
  const home = login === undefined ? makeHome() : mkdtempSync(join(login.home, 'orrery-'));
  if (login !== undefined) chownSync(home, login.uid, login.gid);
  homes.push(home);
  return { home, wrapper: login?.wrapper ?? [] };
}

describe.runIf(hasSlurm)('a daemon on a real Slurm', () => {
  const POLL_ARGS = ['--backend', 'slurm', '--poll-ms', '300'];
  const ORDINARY_LINES = QUICK_LINES.filter((line) => !line.startsWith('KillWait'));

  /** As a user sees them: a signal of each node. */
  const signals = async (home: string, signal: string, env = {}, wrapper: readonly string[] = []) => {
    const { stdout } = await orrery(['nodes', 'lemons', '--json'], { home, env, wrapper });
    const { nodes } = lemonListSchema.parse(JSON.parse(stdout));
    const values = nodes.map(({ name, evidence }) => [name, evidence.find((each) => each.signal === signal)?.value]);
    return Object.fromEntries(values);
  };

  it('counts the XID errors that a prolog sees, each once, also over a restart, and tickets', async () => {
    const home = makeHome();
    homes.push(home);
    const run = await start([`Prolog=${script('prolog', '--report', join(home, 'health'))}`, ...ORDINARY_LINES]);
    const variables = { SLURM_CONF: run('sh', '-c', 'echo $SLURM_CONF') };
    daemon = await startDaemon(home, variables, POLL_ARGS);
    const { client } = daemon;
    expect((await client.lemons()).xids).toMatchObject({ source: 'reports', nodes: 0, folder: join(home, 'health') });
    // They speak of programs: the prolog lets the job start.
    reported('s1', 31, 45, 31);
    const work = async (...exclude: string[]) => {
      const { jobs } = await client.submit({ jobs: [{ command: ['true'], exclude }], environment: {} });
      await until(async () => (await client.job(jobs[0]?.id ?? 0)).state === 'COMPLETED', 'the job to complete');
    };
    await work('s2');
    await work('s1');
    await expect.poll(() => signals(home, 'xid_cnt'), POLL).toEqual({ s1: 2, s2: 0 });
    expect((await orrery(['nodes', 'lemons'], { home })).stdout).toContain(
      `XID errors are those that nodes report in ${join(home, 'health')}: 1 of 2 have, the last `,
    );

    daemon.process.kill('SIGKILL');
    await daemon.exited;
    reported('s1', 31, 45, 31, 13);
    daemon = await startDaemon(home, variables, POLL_ARGS);
    const again = await daemon.client.submit({ jobs: [{ command: ['true'], exclude: ['s2'] }], environment: {} });
    expect(again.jobs).toHaveLength(1);
    await expect.poll(() => signals(home, 'xid_cnt'), POLL).toEqual({ s1: 3, s2: 0 });
    const ticket = await orrery(['nodes', 'ticket', 's2', '--reason', 'fan, case 4711'], { home });
    expect(ticket.stdout).toBe('Noted for node s2\n');
    expect(await signals(home, 'tickets')).toEqual({ s1: 0, s2: 1 });
    const seen: string[] = [];
    for await (const { kind, nodeName, body } of daemon.client.events({ since: 0 })) {
      if (kind === 'XidSeen') seen.push(`${nodeName} ${JSON.stringify(body['xid'])}`);
      if (kind === 'TicketOpened') break;
    }
    expect(seen.sort()).toEqual(['s1 13', 's1 31', 's1 45']);
    const shown = await orrery(['nodes', 'show', 's1', '--json'], { home });
    const { history, report } = nodeDetailSchema.parse(JSON.parse(shown.stdout));
    expect(history.map(({ words }) => words)).toContain('XID 31 (GPU memory page fault)');
    expect(report).toMatchObject({ node: 's1', occasion: 'prolog' });
    expect(JSON.stringify(report)).not.toContain('python3');
  }, 500_000);

  it.runIf(canMountHung(join(folder, 'probe')))(
    'goes on, and ends when it is told to, where the folder of reports hangs',
    async () => {
      const home = makeHome();
      homes.push(home);
      const reports = join(folder, 'hung');
      mkdirSync(reports);
      const run = await start([...ORDINARY_LINES]);
      const variables = { SLURM_CONF: run('sh', '-c', 'echo $SLURM_CONF') };
      daemon = await startDaemon(home, variables, [...POLL_ARGS, '--health-reports', reports]);
      const { client } = daemon;
      rmdirSync(reports);
      const end = mountHung(reports);
      try {
        // By then it has looked.
        await new Promise((resolve) => setTimeout(resolve, 17_000));
        const { jobs } = await client.submit({ jobs: [{ command: ['true'] }], environment: {} });
        await until(async () => (await client.job(jobs[0]?.id ?? 0)).state === 'COMPLETED', 'the job to complete');
        expect((await client.lemons()).xids).toMatchObject({ source: 'reports', nodes: 0 });
        daemon.process.kill('SIGTERM');
        const isAway = () => daemon?.process.exitCode !== null || daemon.process.signalCode !== null;
        await until(isAway, 'the daemon to end');
        expect(existsSync(join(home, 'daemon.json'))).toBe(false);
      } finally {
        end();
      }
    },
    240_000,
  );

  it.runIf(ensureSshd()).each(['an operator', 'an ordinary user'])(
    'takes a lemon away from jobs where %s has it run: drained, or kept off by jobs',
    async (who) => {
      const isOperator = who === 'an operator';
      const { home, wrapper } = await homeOf(isOperator);
      const reports = join(home, 'health');
      const checks = script('healthcheck', '--requeue', '--report', reports);
      const run = await start([`HealthCheckProgram=${checks}`, HEALTH_INTERVAL, ...ORDINARY_LINES]);
      const variables = { SLURM_CONF: run('sh', '-c', 'echo $SLURM_CONF') };
      daemon = await startDaemon(home, variables, [...POLL_ARGS, '--lemons', 'drain'], wrapper);
      const { client } = daemon;
      const submit = async (more: { exclude?: string[]; begin?: string } = {}) => {
        const job = { command: ['sleep', '600'], ...more };
        return (await client.submit({ jobs: [job], environment: {} })).jobs[0]?.id ?? 0;
      };
      const node = async (name: string) => (await client.nodes()).find((each) => each.name === name);
      const waiting = await submit({ begin: 'now+1hour' });
      reported('s1', 31, 45);
      // Twice a check fails under a job that has the node to itself: its jobs go back in the queue.
      for (let round = 0; round < 2; round += 1) {
        const job = await submit({ exclude: ['s2'] });
        await until(async () => (await client.job(job)).state === 'RUNNING', 'the job to run');
        ignite('s1');
        await until(
          async () => (await client.job(job)).attempt === 1 && (await client.job(job)).state === 'PENDING',
          'the requeue',
          150_000,
        );
        expect((await node('s1'))?.outage).toMatchObject({
          cause: 'health',
          words: 'is out after a failed health check: fire: smoke; "quoted" | and more',
        });
        const why = await orrery(['why', String(job)], { home, env: variables, wrapper });
        expect(why.stdout).toContain('s1 is out after a failed health check: fire');
        await client.cancel(job);
        // The second time it is found a lemon: the health check gives back what the lemon detector has not drained.
        quench('s1');
        if (round === 0)
          await until(async () => (await node('s1'))?.state === 'idle', 'the node to be given back', 150_000);
      }
      await expect
        .poll(() => signals(home, 'single_node_node_fails', variables, wrapper), POLL)
        .toEqual({ s1: 2, s2: 0 });
      await expect.poll(() => signals(home, 'xid_cnt', variables, wrapper), POLL).toEqual({ s1: 2, s2: 0 });
      const { nodes } = await client.lemons();
      expect(nodes.map(({ name, isLemon }) => [name, isLemon])).toEqual([
        ['s1', true],
        ['s2', false],
      ]);
      await expect.poll(async () => (await node('s1'))?.outage?.cause, POLL).toBe('lemon');
      const listed = await orrery(['nodes'], { home, env: variables, wrapper });
      expect(listed.stdout).toContain('1 node gets no jobs as a lemon');

      const nativeId = (job: number) => run('sh', '-c', `squeue -h -o '%i %j' | grep -- '-${job}-1$' | cut -d' ' -f1`);
      const excluded = (job: number) => /ExcNodeList=(\S+)/.exec(run('scontrol', 'show', 'job', nativeId(job)))?.[1];
      // Slurm drains it for an operator; for anybody else it is in service, and what waited keeps off it too.
      const inSlurm = () => run('sinfo', '-h', '-N', '-n', 's1', '-o', '%T|%E').replace(/: .*/, '');
      await expect.poll(inSlurm, POLL).toMatch(isOperator ? /^drained\|lemon node$/ : GIVEN_BACK);
      const words = isOperator ? 'is out as a lemon: 2 ' : 'is a lemon that our jobs keep off: 2 ';
      expect((await node('s1'))?.outage?.words).toContain(words);
      await expect.poll(() => excluded(waiting), POLL).toBe(isOperator ? '(null)' : 's1');
      const job = await submit();
      await until(async () => (await client.job(job)).state === 'RUNNING', 'the job to run');
      expect((await client.job(job)).nodeList).toEqual(['s2']);
      const second = await submit();
      await until(async () => /Resources|ReqNodeNotAvail|Priority/.test((await client.job(second)).reason), 'a reason');
      const why = await orrery(['why', String(second)], { home, env: variables, wrapper });
      expect(why.stdout).toMatch(/s1 is (?:out as a lemon|a lemon that our jobs keep off): 2 kinds of XID errors/);
      expect(excluded(second)).toBe(isOperator ? '(null)' : 's1');

      const resumed = await orrery(['nodes', 'resume', 's1'], { home, env: variables, wrapper });
      expect(resumed.code).toBe(0);
      await until(async () => (await client.job(second)).state === 'RUNNING', 'the job to run there again', 150_000);
      expect((await client.job(second)).nodeList).toEqual(['s1']);
      await expect.poll(() => excluded(waiting), POLL).toBe('(null)');
      // Mended: what was counted of it is forgotten, also by a daemon that starts anew.
      const verdicts = async () => (await client.lemons()).nodes.map(({ isLemon }) => isLemon);
      await expect.poll(verdicts, POLL).toEqual([false, false]);
      daemon.process.kill('SIGKILL');
      await daemon.exited;
      daemon = await startDaemon(home, variables, POLL_ARGS, wrapper);
      expect((await daemon.client.lemons()).isDraining).toBe(true);
      expect((await daemon.client.lemons()).nodes.map(({ isLemon }) => isLemon)).toEqual([false, false]);
    },
    800_000,
  );

  it.runIf(ensureSshd()).each(['an operator', 'an ordinary user'])(
    'has its idle nodes checked by jobs of %s, and keeps jobs off what is not well',
    async (who) => {
      const isOperator = who === 'an operator';
      const { home, wrapper } = await homeOf(isOperator);
      const run = await start([...ORDINARY_LINES]);
      const variables = { SLURM_CONF: run('sh', '-c', 'echo $SLURM_CONF') };
      const checks = ['--health-interval', '2', '--health-expect', join(folder, 'health.yaml')];
      ignite('s1');
      daemon = await startDaemon(home, variables, [...POLL_ARGS, ...checks], wrapper);
      const { client } = daemon;
      const words = async () => (await client.nodes()).map(({ name, reason }) => `${name} ${reason ?? 'is well'}`);
      const fire = 'health: fire: smoke; "quoted" | and more';
      await expect.poll(words, POLL).toEqual([`s1 ${isOperator ? fire : `jobs keep off it: ${fire}`}`, 's2 is well']);
      // A check may run there.
      const inSlurm = () => run('sinfo', '-h', '-N', '-n', 's1', '-o', '%T');
      await expect.poll(inSlurm, POLL).toBe(isOperator ? 'drained' : 'idle');
      const { jobs } = await client.submit({ jobs: [{ command: ['true'] }], environment: {} });
      const job = jobs[0]?.id ?? 0;
      await until(async () => (await client.job(job)).state === 'COMPLETED', 'the job to complete', 90_000);
      expect((await client.job(job)).nodeList).toEqual(['s2']);
      quench('s1');
      // A drained node takes no check; what only our jobs keep off does, and is given back to them.
      await expect.poll(words, POLL).toEqual([`s1 ${isOperator ? fire : 'is well'}`, 's2 is well']);
      // What is there tells of it as if the node had.
      const found = async () =>
        (await client.node('s1')).report?.results.map(({ name, status }) => `${name} ${status}`);
      await expect.poll(found, POLL).toContain('fire critical');
    },
    500_000,
  );
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
