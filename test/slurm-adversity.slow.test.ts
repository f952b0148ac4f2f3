import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { submitResponseSchema } from '../src/contract/api.ts';
import { makeHome, removeHome, type RunningDaemon, startDaemon, until } from './support/daemon.ts';
import { endOf, readLog, submitJob } from './support/jobs.ts';
import { ensureSshd, type LoginNode, makeLoginNode } from './support/login-node.ts';
import { orrery } from './support/orrery-command.ts';
import { ensureSlurmAccounting, type SlurmCluster, startSlurm } from './support/slurm-cluster.ts';
import { QUICK_LINES, researchAccount, slurmVariables } from './support/slurm-daemon.ts';

const PROGRAMS = ['sbatch', 'squeue', 'sacct', 'scontrol', 'scancel', 'sacctmgr', 'sinfo', 'sprio', 'sshare'];

/** Of a home that its jobs fill. The nodes see it as well: it is mounted before they are there. */
let small = '';
let slurm: SlurmCluster;
let login: LoginNode;
const conf = () => slurmVariables(slurm);
/** Of the test that runs, ended after it. */
const daemons: RunningDaemon[] = [];
const folders: string[] = [];

beforeAll(async () => {
  if (!ensureSlurmAccounting()) throw new Error('Slurm and slurmdbd are needed');
  if (!ensureSshd()) throw new Error('sshd is needed');
  small = mkdtempSync(join(tmpdir(), 'orrery-small-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'none', small]);
  // Slurm remembers of a user that there was none.
  login = await makeLoginNode();
  slurm = await startSlurm({
    nodes: 2,
    cpusPerNode: 4,
    credentialSeconds: 5,
    confLines: [...QUICK_LINES, 'SlurmdTimeout=10', 'MinJobAge=10', 'MessageTimeout=5'],
    accounting: researchAccount('root', login.userName),
  });
  await login.start(conf());
}, 180_000);
afterEach(async () => {
  for (const daemon of daemons.splice(0)) {
    daemon.process.kill('SIGKILL');
    await daemon.exited;
  }
  for (const folder of folders.splice(0)) await removeHome(folder);
});
afterAll(async () => {
  await slurm?.stop();
  await login?.remove();
  execFileSync('umount', [small]);
  rmSync(small, { recursive: true });
}, 60_000);

function newHome(): string {
  const home = makeHome();
  folders.push(home);
  return home;
}

/** A home of the ordinary user. */
function theirHome(): string {
  const home = mkdtempSync(join(login.home, 'orrery-'));
  chownSync(home, login.uid, login.gid);
  return home;
}

async function up(home: string, env: Record<string, string>, args: string[] = [], wrapper: readonly string[] = []) {
  // The wrapper ends with `env NAME=VALUE ...`: variables that the test sets come behind it as well.
  const words =
    wrapper.length === 0 ? [] : [...wrapper, ...Object.entries(env).map(([name, value]) => `${name}=${value}`)];
  const daemon = await startDaemon(home, env, ['--backend', 'slurm', '--poll-ms', '300', ...args], words);
  daemons.push(daemon);
  return daemon;
}

/** The same by the command of a user, for what it says where it cannot start; not that it takes long on a busy machine. */
async function upDetached(args: readonly string[], options: Parameters<typeof orrery>[1]) {
  const { stderr, ...outcome } = await orrery(['up', '--detach', '--port', '0', ...args], options);
  return { ...outcome, stderr: stderr.replace(/^the daemon is still starting.*\n/m, '') };
}

const upCommand = (home: string, env: NodeJS.ProcessEnv, ...args: string[]) =>
  upDetached(['--backend', 'slurm', ...args], { home, env });

/** A folder with all of Slurm's commands but these; `own` are scripts in their place. */
function pathWith(missing: readonly string[], own: Readonly<Record<string, string>> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-path-'));
  folders.push(folder);
  for (const program of PROGRAMS) {
    if (missing.includes(program)) continue;
    const script = own[program];
    if (script === undefined) symlinkSync(`/usr/bin/${program}`, join(folder, program));
    else writeFileSync(join(folder, program), script, { mode: 0o755 });
  }
  return folder;
}

const submit = ({ client }: RunningDaemon, command: string[], fields: object = {}) =>
  submitJob(client, { command, ...fields });
const ended = ({ client }: RunningDaemon, id: number) => endOf(client, id);

/** Of the daemon's log; each look at Slurm would say it again. */
const linesWith = (home: string, text: string) =>
  readFileSync(join(home, 'daemon.log'), 'utf8')
    .split('\n')
    .filter((line) => line.includes(text));

describe('Slurm is not as it should be', () => {
  it('an old squeue without --json: up says which Slurm is needed, and makes nothing', async () => {
    const home = newHome();
    const squeue =
      '#!/bin/sh\ncase "$*" in *--json*) echo "squeue: unrecognized option \'--json\'" >&2; exit 1;; esac\nexec /usr/bin/squeue "$@"\n';
    const scontrol = '#!/bin/sh\n/usr/bin/scontrol "$@" | sed "s/^\\(SLURM_VERSION *= \\).*/\\120.11.9/"\n';
    const PATH = `${pathWith([], { squeue, scontrol })}:/usr/bin:/bin`;
    const { code, stderr } = await upCommand(home, { ...conf(), PATH });
    expect(stderr).toBe(
      'orrery: Slurm 20.11.9 is too old: expected 22.05 or later, whose squeue tells all of a job in JSON\n',
    );
    expect(code).toBe(1);
  });

  it('no commands of Slurm at all: up names the first that is missing', async () => {
    const { code, stderr } = await upCommand(newHome(), { ...conf(), PATH: '/nowhere' });
    expect(stderr).toMatch(/^orrery: scontrol: not found on the PATH: expected the commands of Slurm there\n$/);
    expect(code).toBe(1);
  });

  it('no sacct: it says what it goes by instead, and jobs end as they do', async () => {
    const home = newHome();
    const daemon = await up(home, { ...conf(), PATH: pathWith(['sacct', 'sacctmgr']) });
    expect(linesWith(home, 'no accounting')).toHaveLength(1);
    expect(linesWith(home, 'no accounting')[0]).toMatch(
      /sacctmgr: not found on the PATH.*ends of jobs are taken from squeue and their exit files/,
    );
    const [well, badly] = [await submit(daemon, ['true']), await submit(daemon, ['sh', '-c', 'exit 9'])];
    expect(await ended(daemon, well)).toMatchObject({ state: 'COMPLETED', exitCode: 0 });
    expect(await ended(daemon, badly)).toMatchObject({ state: 'FAILED', exitCode: 9 });
  }, 240_000);

  it('slurmdbd is down: jobs go on, and what slurmctld has forgotten is told by its exit file', async () => {
    const home = newHome();
    const daemon = await up(home, conf());
    const running = await submit(daemon, ['sh', '-c', 'echo up; sleep 4; exit 6']);
    await until(async () => (await readLog(daemon.client, running)) === 'up\n', 'the job to run', 60_000);
    await slurm.killAccounting();
    try {
      const next = await submit(daemon, ['true']);
      expect(await ended(daemon, running)).toMatchObject({ state: 'FAILED', exitCode: 6 });
      expect(await ended(daemon, next)).toMatchObject({ state: 'COMPLETED', exitCode: 0 });
      // And one that ends while nobody looks, and is gone from squeue when somebody does again.
      const unseen = await submit(daemon, ['sh', '-c', 'echo up; sleep 1; exit 8']);
      await until(async () => (await readLog(daemon.client, unseen)) === 'up\n', 'the job to run', 60_000);
      daemon.process.kill('SIGKILL');
      await daemon.exited;
      const isListed = () => {
        const { stdout } = spawnText('squeue', ['-h', '-t', 'all', '-o', '%j']);
        return stdout.includes(`-${unseen}-1`);
      };
      await until(() => !isListed(), 'squeue to forget the job', 60_000);
      const again = await up(home, conf());
      expect(await ended(again, unseen)).toMatchObject({ state: 'FAILED', exitCode: 8, attempt: 1 });
      expect(linesWith(home, 'no word from sacct')[0]).toMatch(/exit files have to do/);
    } finally {
      slurm.startAccounting();
      await until(() => spawnText('sacctmgr', ['-n', 'list', 'cluster']).status === 0, 'slurmdbd', 120_000);
    }
  }, 240_000);

  it('a user who may not drain: it says so and what to do, and the rest of it works', async () => {
    const home = theirHome();
    const daemon = await up(home, conf(), [], login.wrapper);
    const env = { ...conf(), HOME: login.home };
    const drained = await orrery(['nodes', 'drain', 's1', '--reason', 'test'], { home, env, wrapper: login.wrapper });
    expect(drained.stderr).toBe(
      `orrery: Slurm does not let ${login.userName} drain nodes: ask an operator for it; jobs keep off s1 with --exclude s1\n`,
    );
    expect(drained.code).toBe(4);
    // Slurm says the same of a node that needs it not: that it is well is what matters.
    const resumed = await orrery(['nodes', 'resume', 's1'], { home, env, wrapper: login.wrapper });
    expect(resumed.stdout).toBe('Node s1 is in service already: it is idle\n');
    expect((await daemon.client.nodes()).map(({ state }) => state)).toEqual(['idle', 'idle']);
    const id = await submit(daemon, ['id', '-un'], { exclude: ['s1'] });
    expect(await ended(daemon, id)).toMatchObject({ state: 'COMPLETED', nodeList: ['s2'] });
    expect(await readLog(daemon.client, id)).toBe(`${login.userName}\n`);
  }, 240_000);

  it('a partition that is not there, or gone since: refused with those there are, or held with words of Slurm', async () => {
    const home = newHome();
    const daemon = await up(home, conf());
    const run = (...args: string[]) =>
      orrery(['run', '--no-snapshot', '--mem', '16M', ...args], { home, cwd: home, env: conf() });
    const wrong = await run('-p', 'gpu', '--', 'true');
    expect(wrong.stderr).toMatch(/partition: no "gpu": expected one of main\n$/);
    expect(wrong.code).toBe(2);
    const scontrol = (...args: string[]) => expect(spawnText('scontrol', args).status).toBe(0);
    // Made after the daemon has asked what there is: the daemon learns of it, or refuses what Slurm would take.
    scontrol('update', 'PartitionName=main', 'State=INACTIVE');
    const id = await submit(daemon, ['true']);
    await until(async () => (await daemon.client.job(id)).reason !== 'None', 'a reason', 60_000);
    const { detail } = await daemon.client.why(id);
    expect(detail.join(' ')).toMatch(/partition/i);
    scontrol('update', 'PartitionName=main', 'State=UP');
    await daemon.client.release(id).catch(() => undefined);
    expect(await ended(daemon, id)).toMatchObject({ state: 'COMPLETED' });
  }, 240_000);

  it('sbatch refuses a job that was cancelled while it was asked: the job has ended, and its secrets are gone', async () => {
    const home = newHome();
    const sbatch =
      '#!/bin/sh\nsleep 3\necho "sbatch: error: Batch job submission failed: Invalid qos specification" >&2\nexit 1\n';
    const daemon = await up(home, { ...conf(), PATH: `${pathWith([], { sbatch })}:/usr/bin:/bin` });
    writeFileSync(join(home, 'secrets', 'TOKEN'), 's3cret', { mode: 0o600 });
    const id = await submit(daemon, ['true'], { secrets: ['TOKEN'] });
    const secrets = join((await daemon.client.job(id)).folder, 'secrets.sh');
    await until(() => existsSync(secrets), 'sbatch to be called');
    await daemon.client.cancel(id);
    expect(await ended(daemon, id)).toMatchObject({ state: 'CANCELLED', attempt: 0 });
    await until(() => !existsSync(secrets), 'the secret to be gone');
  }, 240_000);

  it('slurmctld is not there: up says so with its exit code; a daemon that runs takes jobs and hands them on later', async () => {
    const home = newHome();
    const daemon = await up(home, conf());
    await slurm.killController();
    try {
      const { code, stderr } = await upCommand(newHome(), conf());
      expect(stderr).toMatch(/^orrery: scontrol: .*: jobs run on and are caught up with once it answers\n$/);
      expect(code).toBe(5);
      const { code: taken, stdout } = await orrery(['run', '--no-snapshot', '--mem', '16M', '--json', '--', 'true'], {
        home,
        cwd: home,
      });
      expect(taken).toBe(0);
      const id = submitResponseSchema.parse(JSON.parse(stdout)).jobs[0]?.id ?? 0;
      expect((await daemon.client.why(id)).detail.join(' ')).toMatch(/on its way to Slurm/);
      await until(async () => (await daemon.client.health()).outage !== null, 'the daemon to notice', 60_000);
      const away =
        /^note: Slurm has not answered for \S+: \w+: .*: jobs run on and are caught up with once it answers; /;
      for (const command of ['queue', 'nodes', 'run --no-snapshot --mem 16M --hold -- true']) {
        const said = await orrery(command.split(' '), { home, cwd: home });
        expect(said.code).toBe(0);
        expect(said.stderr).toMatch(away);
      }
      const examined = await orrery(['doctor'], { home });
      expect(examined.stdout).toMatch(/warning +Daemon .*Slurm has not answered for/);
      slurm.startController();
      expect(await ended(daemon, id)).toMatchObject({ state: 'COMPLETED' });
      expect((await orrery(['queue'], { home })).stderr).toBe('');
    } finally {
      await slurm.killController();
      slurm.startController();
    }
  }, 240_000);
});

describe('a login node', () => {
  const there = () => ['--slurm-host', 'login1'];
  const wrapper = () => login.wrapper;

  it('whose certificate has ended: one line in the log, what runs runs on, what is submitted waits for a new one', async () => {
    const home = theirHome();
    const daemon = await up(home, {}, there(), wrapper());
    const running = await submit(daemon, ['sh', '-c', 'echo up; sleep 8; echo done']);
    await until(async () => (await readLog(daemon.client, running)) === 'up\n', 'the job to run', 60_000);
    await login.certify(-1);
    await until(() => linesWith(home, 'could not be looked at').length > 0, 'the daemon to notice', 60_000);
    expect(linesWith(home, 'could not be looked at')[0]).toMatch(
      /(?:squeue|scontrol) on login1: .*Permission denied \(publickey.*: renew the key or the agent and try ssh by hand; jobs run on meanwhile/,
    );
    const waiting = await submit(daemon, ['true']);
    await until(async () => (await readLog(daemon.client, running)) === 'up\ndone\n', 'the job to run on', 60_000);
    expect((await daemon.client.why(waiting)).detail.join(' ')).toMatch(/on its way to Slurm.*|Slurm does not answer/);
    expect(linesWith(home, 'could not be looked at')).toHaveLength(1);
    const other = await upDetached(['--backend', 'slurm', ...there()], {
      home: theirHome(),
      wrapper: wrapper(),
    });
    expect(other.stderr).toMatch(
      /^orrery: \w+ on login1: .*Permission denied.*: renew the key or the agent and try ssh by hand/,
    );
    expect(other.code).toBe(5);
    await login.certify(3600);
    expect(await ended(daemon, running)).toMatchObject({ state: 'COMPLETED' });
    expect(await ended(daemon, waiting)).toMatchObject({ state: 'COMPLETED' });
  }, 180_000);

  it('that does not answer is not taken for the one that did: up says so, and the home stays as it was', async () => {
    const home = newHome();
    const first = await up(home, conf());
    first.process.kill('SIGTERM');
    await first.exited;
    const before = readFileSync(join(home, 'slurm.json'), 'utf8');
    const { code, stderr } = await upCommand(home, conf(), '--slurm-host', 'nohost.invalid');
    expect(stderr).toMatch(/^orrery: \w+ on nohost.invalid: .*Could not resolve hostname/);
    expect(code).toBe(5);
    expect(readFileSync(join(home, 'slurm.json'), 'utf8')).toBe(before);
    // Of a home that went by a login node, and is to go by the commands of this machine again.
    writeFileSync(join(home, 'slurm.json'), before.replace('"host":null', '"host":"nohost.invalid"'));
    const local = await orrery(['up', '--detach', '--backend', 'local'], { home, env: conf() });
    expect(local.code).toBe(4);
    expect(local.stderr).toBe(
      `orrery: --backend local: the jobs of ${home} are with Slurm: leave it out, or choose another ORRERY_HOME\n`,
    );
    const kept = await upDetached([], { home, env: conf() });
    expect(kept.code).toBe(0);
    const [remark, ...notes] = kept.stderr.split('\n');
    expect(remark).toBe(
      `The jobs of ${home} are with Slurm: going on as before (--backend slurm --slurm-host nohost.invalid)`,
    );
    expect(notes[0]).toMatch(/^note: the cluster is as last seen: \w+ on nohost.invalid: .*; jobs run on meanwhile$/);
    expect(notes[1]).toMatch(/^note: Slurm has not answered for \S+: \w+ on nohost.invalid: .*; jobs are accepted/);
    await orrery(['down'], { home });
    const back = await upCommand(home, conf(), '--slurm-host', 'none');
    expect(back).toMatchObject({ code: 0, stderr: '' });
    expect(back.stdout).toMatch(/^ {2}slurm side_by_side, 2 nodes$/m);
    expect((await orrery(['doctor'], { home })).stdout).not.toMatch(/virtual nodes|warning/);
    expect(readFileSync(join(home, 'slurm.json'), 'utf8')).toBe(before);
    await orrery(['down'], { home });
  }, 240_000);

  it('where nobody listens: up says so with its exit code', async () => {
    await login.stop();
    try {
      const { code, stderr } = await upDetached(['--backend', 'slurm', ...there()], {
        home: theirHome(),
        wrapper: wrapper(),
      });
      expect(stderr).toMatch(/^orrery: \w+ on login1: .*Connection refused/);
      expect(code).toBe(5);
    } finally {
      await login.start(conf());
    }
  });
});

describe('a disk that is full', () => {
  it('does not keep the nodes of what ends, and is said with its folder; all is caught up with once there is room', async () => {
    const daemon = await up(small, conf());
    const go = `${small}-go`;
    folders.push(go);
    // It ends once that file is there, with the disk full by then.
    const ends = (status: number) => ['sh', '-c', `echo up; until [ -e '${go}' ]; do sleep 0.2; done; exit ${status}`];
    const [well, badly] = [await submit(daemon, ends(0)), await submit(daemon, ends(7))];
    for (const id of [well, badly]) {
      await until(async () => (await readLog(daemon.client, id)) === 'up\n', 'the job to run', 60_000);
    }
    const begins = await submit(daemon, ['true'], { hold: true });
    const numberOf = async () => String((await daemon.client.job(begins)).slurmJobId);
    await until(async () => (await numberOf()) !== 'null', 'the job to be with Slurm', 60_000);
    const number = await numberOf();
    const filler = join(small, 'filler');
    const { stderr } = spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=4k'], { encoding: 'utf8' });
    expect(stderr).toMatch(/No space left/);
    writeFileSync(go, '');
    const running = () => spawnText('squeue', ['-h', '-t', 'R,CG', '-o', '%j']).stdout;
    await until(() => running() === '', 'the nodes to be free', 60_000);
    // One that begins now has a claim, and no room for its end: it begins nothing. Nor is it held again once there is room: somebody released it.
    spawnText('scontrol', ['release', number]);
    const booked = () => spawnText('sacct', ['-n', '-X', '-j', number, '-o', 'State,ExitCode']).stdout;
    await until(() => /FAILED +77:0/.test(booked()), 'the job to find no room', 60_000);
    await until(async () => (await daemon.client.health()).outage !== null, 'the daemon to notice', 60_000);
    expect((await daemon.client.health()).outage).toMatchObject({ cause: 'storage' });
    const said = await orrery(['queue'], { home: small, cwd: small });
    expect(said.stderr).toMatch(
      /^note: What Slurm says could not be written down for \S+: .*full; nothing was written; /,
    );
    const refused = await orrery(['run', '--no-snapshot', '--mem', '16M', '--', 'true'], { home: small, cwd: small });
    expect(refused.stderr).toMatch(/^orrery: .*full; nothing was written\n$/);
    rmSync(filler);
    expect(await ended(daemon, well)).toMatchObject({ state: 'COMPLETED', attempt: 1 });
    expect(await ended(daemon, badly)).toMatchObject({ state: 'FAILED', exitCode: 7, attempt: 1 });
    expect(await ended(daemon, begins)).toMatchObject({ state: 'COMPLETED', attempt: 1 });
    expect((await daemon.client.health()).outage).toBeNull();
  }, 240_000);
});

describe('a shared folder', () => {
  it('that a node does not see: why names the node, other jobs go on, and it is taken up once it is there', async () => {
    const home = newHome();
    const shared = mkdtempSync(join(tmpdir(), 'orrery-shared-'));
    folders.push(shared);
    chmodSync(shared, 0o755);
    const daemon = await up(home, conf(), ['--shared', shared]);
    await slurm.killNode('s2');
    const blind = slurmdWithout(shared, 's2');
    try {
      await until(
        async () => spawnText('sinfo', ['-h', '-N', '-o', '%N %T']).stdout.includes('s2 idle'),
        's2 to be idle',
        60_000,
      );
      const lost = await submit(daemon, ['true'], { exclude: ['s1'] });
      const well = await submit(daemon, ['true'], { exclude: ['s2'] });
      expect(await ended(daemon, well)).toMatchObject({ state: 'COMPLETED', nodeList: ['s1'] });
      const isHeld = async () => (await daemon.client.job(lost)).reason === 'launch failed requeued held';
      // Six tries: for each Slurm's word is doubted for 10 s, and the pauses between them come to 62 s.
      await until(isHeld, 'the job to be held', 240_000).catch(async () => {
        throw new Error((await daemon.client.why(lost)).detail.join(' '));
      });
      expect((await daemon.client.why(lost)).detail.join(' ')).toMatch(
        /(?:its script has not begun on s2: is the folder of Orrery's jobs there \(--shared\)\?|the folder of Orrery's jobs is not there on s2: see --shared).*orrery release \d+ tries again/,
      );
      expect(await daemon.client.job(lost)).toMatchObject({ state: 'PENDING', requeues: 0 });
      await slurm.killNode('s2');
      blind.kill('SIGKILL');
      slurm.startNode('s2');
      await until(
        () => spawnText('sinfo', ['-h', '-N', '-o', '%N %T']).stdout.includes('s2 idle'),
        's2 to be idle',
        60_000,
      );
      await daemon.client.release(lost);
      expect(await ended(daemon, lost)).toMatchObject({ state: 'COMPLETED', nodeList: ['s2'] });
    } finally {
      blind.kill('SIGKILL');
    }
  }, 400_000);
});

/** slurmd of a node in a mount namespace in which the folder is empty. */
function slurmdWithout(folder: string, nodeName: string): ChildProcess {
  const script = 'mount -t tmpfs none "$1" && exec /usr/sbin/slurmd -D -N "$2" -f "$SLURM_CONF"';
  return spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', folder, nodeName], {
    env: slurm.env,
    stdio: 'ignore',
  });
}

function spawnText(file: string, args: readonly string[]): { status: number | null; stdout: string } {
  const { status, stdout } = spawnSync(file, args, { env: slurm.env, encoding: 'utf8', timeout: 20_000 });
  return { status, stdout };
}
