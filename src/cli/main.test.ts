import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorBodySchema } from '../contract/api.ts';
import { packageFolder } from './package-folder.ts';

const MAIN = join(packageFolder(), 'src', 'cli', 'main.ts');

let folder: string;
let home: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-cli-'));
  home = join(folder, 'home');
  mkdirSync(home);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Outcome {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** The command line as a real process, in a home without a daemon. */
function orrery(
  args: readonly string[],
  options: { stdin?: string; env?: NodeJS.ProcessEnv; closeStdout?: true } = {},
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const env = { PATH: process.env['PATH'], HOME: folder, ORRERY_HOME: home, ...options.env };
    const child = spawn(process.execPath, [MAIN, ...args], { cwd: folder, env });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => void (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => void (stderr += chunk.toString()));
    if (options.closeStdout === true) child.stdout.destroy();
    child.stdin.end(options.stdin ?? '');
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, stdout, stderr }));
  });
}

/** Runs `work` with a home whose daemon answers as told. */
async function withDaemon<T>(answer: RequestListener, work: (env: NodeJS.ProcessEnv) => Promise<T>): Promise<T> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  const daemonHome = mkdtempSync(join(folder, 'home-'));
  writeFileSync(join(daemonHome, 'daemon.json'), JSON.stringify({ pid: process.pid, url, version: '1' }));
  writeFileSync(join(daemonHome, 'token'), 'secret');
  try {
    return await work({ ORRERY_HOME: daemonHome });
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe('orrery', () => {
  it('alone shows six things to try', async () => {
    const { status, stdout, stderr } = await orrery([]);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout.match(/^ {2}orrery /gm)).toHaveLength(6);
  });

  it.each([
    [['queue'], 5, /^orrery: no daemon runs for .*: start one with orrery up --detach\n$/],
    [['run', 'true'], 5, /^orrery: no daemon runs/],
    [['quee'], 2, /^orrery: orrery has no command "quee": did you mean queue\? orrery --help lists them\n$/],
    [['run'], 2, /^orrery: expected one of: a command, a job file/],
    [['run', 'missing.yaml'], 2, /^orrery: cannot read missing\.yaml: no such file\n$/],
    [['run', '--mem', 'much', 'true'], 2, /^orrery: --mem: expected memory such as/],
    [['up', '--lemons', 'drain'], 2, /^orrery: --lemons: goes with --backend slurm; here the policy says it .*\n$/],
    [['up', '--health-reports', '/tmp'], 2, /^orrery: --health-reports: goes with --backend slurm\n$/],
    [['why', 'x'], 2, /^orrery: <job>: expected a job id such as 12, or 12_3 for a task of an array, got "x"\n$/],
    [['identify', 'hello'], 3, /^orrery: no model yet: train one with orrery demo/],
    [['up', '--cluster', 'rsc-phase9'], 2, /^orrery: unknown cluster "rsc-phase9": known are .*rsc-phase1/],
    [['secret', 'set', '2X'], 2, /^orrery: expected the name of an environment variable/],
    [['secret', 'set', 'EMPTY'], 2, /^orrery: standard input is empty/],
  ] satisfies [string[], number, RegExp][])('%j exits %i with one clear line', async (args, status, line) => {
    const plain = await orrery(args);
    expect(plain.stderr).toMatch(line);
    expect({ status: plain.status, stdout: plain.stdout }).toEqual({ status, stdout: '' });
    expect(plain.stderr.trimEnd().split('\n')).toHaveLength(1);

    const [first = '', ...rest] = args;
    const machine = await orrery([
      first,
      ...(first === 'secret' ? ['set', '--json', ...rest.slice(1)] : ['--json', ...rest]),
    ]);
    expect(machine.status).toBe(status);
    const { error } = errorBodySchema.parse(JSON.parse(machine.stdout));
    expect(error.code).toMatch(/^ORR_/);
    expect(machine.stderr).toBe(`orrery: ${error.message}\n`);
  });

  it('leaves nothing behind where no daemon could take the job', async () => {
    expect((await orrery(['run', 'true'])).status).toBe(5);
    expect(existsSync(join(home, 'snapshots'))).toBe(false);
  });

  it('says that jobs may be submitted where the daemon took them and went away', async () => {
    const { status, stderr } = await withDaemon(
      (request) => request.socket.destroy(),
      (env) => orrery(['run', '--no-snapshot', 'true'], { env }),
    );
    expect([status, stderr]).toEqual([
      5,
      expect.stringMatching(/^orrery: the daemon at \S+ went away before it acknowledged: it may have the jobs.*\n$/),
    ]);
  });

  it('says so where the home cannot be made', async () => {
    const { status, stderr } = await orrery(['up'], { env: { ORRERY_HOME: '/proc/orrery' } });
    expect([status, stderr]).toEqual([
      1,
      expect.stringMatching(/^orrery: cannot write to the home \/proc\/orrery: .*ORRERY_HOME\n$/),
    ]);
  });

  it('shows the stack only with --debug', async () => {
    expect((await orrery(['queue'])).stderr).not.toMatch(/^ {4}at /m);
    expect((await orrery(['queue', '--debug'])).stderr).toMatch(/^ {4}at /m);
  });

  it('loses nothing where its reader is slow', async () => {
    // Larger than the 64 KiB a pipe takes at once.
    const name = 'x'.repeat(100_000);
    const child = spawn(
      'sh',
      [
        '-c',
        '"$@" 2>/dev/null | { sleep 1; cat; }',
        'sh',
        process.execPath,
        MAIN,
        'secret',
        'set',
        '--json',
        `${name}-`,
      ],
      { cwd: folder, env: { PATH: process.env['PATH'], ORRERY_HOME: home } },
    );
    child.stdin.end('value');
    const { error } = errorBodySchema.parse(JSON.parse(await text(child.stdout)));
    expect(error.message).toContain(name);
  });

  it('ends quietly when its reader has gone', async () => {
    const { status, stderr } = await orrery(['--help'], { closeStdout: true });
    expect([status, stderr]).toEqual([0, '']);
  });

  it.skipIf(!existsSync('/dev/full'))('fails where its output cannot be written', async () => {
    const child = spawn('sh', ['-c', '"$@" > /dev/full', 'sh', process.execPath, MAIN, 'clusters', '--json'], {
      cwd: folder,
      env: { PATH: process.env['PATH'], ORRERY_HOME: home },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const status = new Promise((resolve) => child.on('close', resolve));
    expect(await text(child.stderr)).toMatch(/^orrery: cannot write the output: ENOSPC.*\n$/);
    expect(await status).toBe(1);
  });

  it('does to each job what it can, says what refused, and ends with the highest status', async () => {
    const summary = {
      id: 2,
      arrayJobId: null,
      arrayTaskId: null,
      name: 'a\u202eb',
      state: 'CANCELLED',
      reason: 'None',
      user: 'u',
      account: 'a',
      qos: 'normal',
      partition: null,
      nodes: 1,
      gpusPerNode: 0,
      nodeList: [],
      attempt: 0,
      requeues: 0,
      submitTime: 1,
      startTime: null,
      endTime: 2,
      exitCode: null,
      progress: null,
    };
    const outcomes = await withDaemon(
      (request, response) => {
        const id = Number(/jobs\/(\d+)/.exec(request.url ?? '')?.[1]);
        response.statusCode = id === 2 ? 200 : id === 1 ? 409 : 404;
        const error = { code: id === 1 ? 'ORR_CONFLICT' : 'ORR_NOT_FOUND', message: `no cancel of ${id}` };
        response.end(JSON.stringify(id === 2 ? summary : { error }));
      },
      async (env) => [
        await orrery(['cancel', '1', '2', '3'], { env }),
        await orrery(['cancel', '--json', '1', '2', '3'], { env }),
      ],
    );
    const stderr = 'orrery: no cancel of 1\norrery: no cancel of 3\n';
    expect(outcomes[0]).toEqual({ status: 4, stdout: 'Cancelled job 2 (a?b)\n', stderr });
    expect({ ...outcomes[1], stdout: '' }).toEqual({ status: 4, stdout: '', stderr });
    expect(JSON.parse(outcomes[1]?.stdout ?? '')).toEqual({
      jobs: [summary],
      errors: [
        { id: 1, code: 'ORR_CONFLICT', message: 'no cancel of 1' },
        { id: 3, code: 'ORR_NOT_FOUND', message: 'no cancel of 3' },
      ],
    });
  });

  it('paints only where it is asked to or stands before a terminal', async () => {
    expect((await orrery([])).stdout).not.toContain('\u001b[');
    expect((await orrery([], { env: { FORCE_COLOR: '1' } })).stdout).toContain('\u001b[1m');
    expect((await orrery([], { env: { NO_COLOR: '1' } })).stdout).not.toContain('\u001b[');
  });

  it('leaves the options of a command to the command', async () => {
    // The word --json is python's here: were it ours, the error would be JSON.
    expect((await orrery(['run', 'python3', 'train.py', '--json'])).stdout).toBe('');
  });

  it('stores a secret readable by its owner alone, and never shows it', async () => {
    const { status, stdout, stderr } = await orrery(['secret', 'set', 'HF_TOKEN'], { stdin: 'hunter2\n' });
    expect(status).toBe(0);
    expect(stdout + stderr).not.toContain('hunter2');
    const file = join(home, 'secrets', 'HF_TOKEN');
    expect(readFileSync(file, 'utf8')).toBe('hunter2');
    expect([statSync(file).mode & 0o777, statSync(join(home, 'secrets')).mode & 0o777]).toEqual([0o600, 0o700]);
  });

  it('names what keeps a secret from being stored, and leaves nothing half done', async () => {
    mkdirSync(join(home, 'secrets', 'TAKEN'), { recursive: true });
    const { status, stderr } = await orrery(['secret', 'set', 'TAKEN'], { stdin: 'hunter2\n' });
    expect([status, stderr]).toEqual([1, expect.stringMatching(/^orrery: cannot store TAKEN in \/.*\n$/)]);
    expect(readdirSync(join(home, 'secrets')).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('says that its folder is gone, and takes an empty HOME for none', async () => {
    const script = 'mkdir gone && cd gone && rmdir ../gone && exec "$@"';
    const child = spawn('sh', ['-c', script, 'sh', process.execPath, MAIN, 'run', 'true'], {
      cwd: folder,
      env: { PATH: process.env['PATH'], ORRERY_HOME: home },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    expect(await text(child.stderr)).toBe('orrery: the current folder is gone: cd to one that exists\n');
    const { stderr } = await orrery(['queue'], { env: { HOME: '', ORRERY_HOME: '' } });
    expect(stderr).not.toMatch(/no daemon runs for (?!\/)/);
  });

  it('says where a batch is wrong', async () => {
    const { status, stderr } = await orrery(['run', '--batch', '-'], {
      stdin: '{"command":["a"]}\n{"command":["b"],"nodes":-1}\n',
    });
    expect([status, stderr]).toEqual([2, 'orrery: stdin:2:18 nodes: expected an integer > 0, got -1\n']);
    writeFileSync(join(folder, 'empty.ndjson'), '\n');
    expect((await orrery(['run', '--batch', 'empty.ndjson'])).stderr).toMatch(/empty\.ndjson: no job in it/);
  });

  it('completes commands, options, choices and cluster names', async () => {
    const complete = async (...words: string[]): Promise<string[]> =>
      (await orrery(['complete', '--', ...words])).stdout.split('\n').flatMap((line) => line.split('\t')[0] || []);
    expect(await complete('no')).toEqual(['nodes', ':4']);
    expect(await complete('nodes', 'dr')).toEqual(['drain', ':4']);
    expect(await complete('queue', '--wa')).toEqual(['--watch', ':4']);
    expect(await complete('queue', '--state', 'PEN')).toEqual(['PENDING', ':4']);
    expect(await complete('clusters', 'show', 'naver')).toEqual(['naver-superpod', ':4']);
    expect(await complete('why', '')).toEqual([':4']);
    expect(await complete('run', 'pyth')).toEqual([':0']);
  });
});
