import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { nodeReportSchema } from '../src/contract/node-report.ts';
import { canMountHung, mountHung } from '../src/health/hung-mount.test-support.ts';
import { eightGpus, recorded } from '../src/health/recorded.test-support.ts';
import { makeHome, removeHome, root, startDaemon } from './support/daemon.ts';

const folder = mkdtempSync(join(tmpdir(), 'orrery-health-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** The built command. `tools`: programs that play the GPU and InfiniBand tools, which cannot be here: name to shell script. */
function orrery(
  args: readonly string[],
  tools: Record<string, string> = {},
  more: Record<string, string> = {},
): Promise<Outcome> {
  const bin = mkdtempSync(join(folder, 'bin-'));
  for (const [name, script] of Object.entries(tools))
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const env = {
    ...process.env,
    NO_COLOR: '1',
    ORRERY_HOME: join(folder, 'home'),
    PATH: `${bin}:${process.env['PATH']}`,
    ...more,
  };
  return new Promise((resolve) => {
    execFile(process.execPath, [join(root, 'bin', 'orrery.js'), ...args], { env }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, stdout, stderr });
    });
  });
}

const reportSchema = z.object({
  node: z.string(),
  status: z.string(),
  results: z.array(z.object({ name: z.string(), status: z.string(), severity: z.string(), message: z.string() })),
  xids: z.array(z.object({ xid: z.int(), pciAddress: z.string().nullable(), severity: z.string() })),
});

function found({ stdout }: Outcome): Record<string, string> {
  const { results } = reportSchema.parse(JSON.parse(stdout));
  return Object.fromEntries(results.map(({ name, status, message }) => [name, `${status}: ${message}`]));
}

function yaml(text: string): string {
  const path = join(mkdtempSync(join(folder, 'yaml-')), 'health.yaml');
  writeFileSync(path, text);
  return path;
}

/** A DGX A100 as it says itself: the H100's recording under an A100's name, and the recorded ibstat of an A100. */
function dgx(change?: (block: string, index: number) => string): Record<string, string> {
  const outputs = mkdtempSync(join(folder, 'outputs-'));
  const plain = (block: string) =>
    block
      .replace('H100 80GB HBM3', 'A100-SXM4-80GB')
      .replace(/(HW Slowdown +: |Brake Slowdown +: )Active/g, '$1Not Active');
  const query = eightGpus('nvidia-smi-q-h100.txt', (block, index) => change?.(plain(block), index) ?? plain(block));
  writeFileSync(join(outputs, 'query'), query);
  writeFileSync(join(outputs, 'ibstat'), recorded('ibstat-a100.txt'));
  const links = Array.from({ length: 8 }, (_, gpu) => {
    const lines = Array.from({ length: 12 }, (__, link) => `\t Link ${link}: 25 GB/s\n`);
    return `GPU ${gpu}: NVIDIA A100-SXM4-80GB (UUID: GPU-${gpu})\n${lines.join('')}`;
  });
  writeFileSync(join(outputs, 'links'), links.join(''));
  writeFileSync(join(outputs, 'errors'), recorded('nvlink-errors-h100.txt'));
  return {
    'nvidia-smi': `case "$*" in -q) exec cat ${outputs}/query;; "nvlink --status") exec cat ${outputs}/links;; *) exec cat ${outputs}/errors;; esac`,
    ibstat: `cat ${outputs}/ibstat; exit 255`,
    // The log of a node that had nothing.
    dmesg: 'echo "[   10.500000] NVRM: loading NVIDIA UNIX x86_64 Kernel Module  535.161.08"',
  };
}

describe('orrery health check', () => {
  it('knows from a cluster file what a node of it has', async () => {
    const healthy = await orrery(['health', 'check', '--as', 'prolog', '--cluster', 'rsc-phase1', '--json'], dgx());
    expect(healthy.code).toBe(0);
    expect(found(healthy)).toMatchObject({
      'gpu-access': 'ok: 8 GPUs answer',
      'gpu-count': 'ok: 8 GPUs',
      'gpu-ecc': 'ok: no uncorrectable ECC error',
      'gpu-pcie': 'ok: all PCIe links at full width',
      'nvlink-state': 'ok: 12 NVLinks on each of 8 GPUs',
      'nvlink-errors': 'ok: no NVLink errors',
      'gpu-xid': 'ok: no XID errors',
      'ib-links': 'ok: 8 InfiniBand ports are active',
      'ib-rate': 'ok: 200 Gb/s on 8 ports',
    });
    const type = await orrery(
      ['health', 'check', '--checks', 'gpu-type,memory-size,cpu-count', '--cluster', 'rsc-phase1', '--json'],
      dgx(),
    );
    expect(type.code).toBe(2);
    expect(found(type)).toMatchObject({
      'gpu-type': 'ok: NVIDIA A100-SXM4-80GB',
      'memory-size': expect.stringMatching(/^critical: [\d.]+ GB of memory, expected 950$/),
      'cpu-count': expect.stringMatching(/^critical: \d+ CPUs, expected 128$/),
    });
  });

  it('fails a prolog for a GPU with memory errors, in one line that says so', async () => {
    const tools = dgx((block, index) =>
      index === 2 ? block.replace(/(Volatile[^]*?DRAM Uncorrectable +: )0/, '$13') : block,
    );
    const { code, stdout } = await orrery(
      ['health', 'check', '--as', 'prolog', '--gpus', '8', '--node', 'dgx-7'],
      tools,
    );
    expect(code).toBe(2);
    expect(stdout).toBe(
      'CRITICAL dgx-7: gpu-ecc: uncorrectable ECC errors: GPU 00000000:F2:00.0 3 (DRAM Uncorrectable)\n',
    );
  });

  it('says nothing in a prolog that passes, and leaves low severities to the epilog', async () => {
    const expect8 = yaml('gpus: {count: 8}\ndisks: [{path: /, freePercentMin: 100}]\n');
    const check = (occasion: string) =>
      orrery(['health', 'check', '--as', occasion, '--expect', expect8, '--node', 'd1'], dgx());
    expect(await check('prolog')).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(await check('epilog')).toMatchObject({
      code: 2,
      stdout: expect.stringMatching(/^CRITICAL d1: disk-space: \/ has [\d.]+ % free\n$/),
    });
  });

  it('gives a driver that hangs so much time and no more', async () => {
    const hung = { ...dgx(), 'nvidia-smi': 'exec sleep 600' };
    const file = yaml('gpus: {count: 8, timeoutSeconds: 0.5}\n');
    const { code, stdout } = await orrery(['health', 'check', '--as', 'prolog', '--expect', file], hung);
    expect(code).toBe(2);
    expect(stdout).toContain('gpu-access: nvidia-smi did not answer within 0.5 s');
  });

  it('leaves nothing behind when it is ended', async () => {
    const pidFile = join(folder, 'left');
    const file = yaml(`custom: [{name: slow, command: [/bin/sh, -c, "echo $$ >${pidFile}; sleep 600"]}]\n`);
    const args = [join(root, 'bin', 'orrery.js'), 'health', 'check', '--checks', 'slow', '--expect', file];
    const child = spawn(process.execPath, args, { stdio: 'ignore' });
    const ended = once(child, 'exit');
    await expect
      .poll(() => existsSync(pidFile) && readFileSync(pidFile, 'utf8'), { timeout: 50_000 })
      .toMatch(/^\d+\n$/);
    child.kill('SIGTERM');
    expect(await ended).toEqual([143, null]);
    const pid = Number(readFileSync(pidFile, 'utf8'));
    await expect.poll(() => existsSync(`/proc/${pid}`), { timeout: 50_000 }).toBe(false);
  });

  it('lists XID errors of the kernel log with their severity', async () => {
    const log = [
      "[  100.000000] NVRM: Xid (PCI:0000:05:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus.",
      '[  101.000000] NVRM: Xid (PCI:0000:dc:00): 45, pid=1818990, name=python3, Ch 00000001 caused by previous Xid 149',
    ];
    writeFileSync(join(folder, 'log'), `${log.join('\n')}\n`);
    const outcome = await orrery(['health', 'check', '--checks', 'gpu-xid', '--json'], { dmesg: `cat ${folder}/log` });
    expect(outcome.code).toBe(2);
    expect(reportSchema.parse(JSON.parse(outcome.stdout)).xids).toEqual([
      { xid: 79, pciAddress: '0000:05:00', severity: 'high' },
      { xid: 45, pciAddress: '0000:dc:00', severity: 'application' },
    ]);
  });

  it('runs where there are no GPUs, for people', async () => {
    const { code, stdout } = await orrery(['health', 'check', '--checks', 'gpu-count,uptime,mounts', '--node', 'here']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^OK here: 1 checks passed\n\nSTATUS +SEVERITY +CHECK +FOUND\nOK +low +uptime +up for/);
    expect(stdout).toContain('Skipped, for lack of something to look at or to expect: gpu-count, mounts');
    expect((await orrery(['health', 'check', '--gpus', '8', '--checks', 'gpu-count'])).code).toBe(3);
  });

  it.each([
    [['--checks', 'gpu-cuont'], 2, 'orrery: --checks: no check "gpu-cuont"; orrery health list shows them\n'],
    [['--expect', '/no/such.yaml'], 2, 'orrery: cannot read /no/such.yaml: no such file\n'],
    [['--cluster', 'cori'], 2, /^orrery: --node-type: cluster cori has the kinds of nodes /],
    [['--as', 'nagios'], 2, /--as: expected .*, got "nagios"/],
  ])('refuses %j', async (args, code, message) => {
    const outcome = await orrery(['health', 'check', ...args]);
    expect(outcome.code).toBe(code);
    expect(outcome.stderr).toMatch(message);
  });

  it('finds its files in a copy that has nothing else', async () => {
    // As installed on a node: the package, a Node, no checkout around it, an environment with nothing in it.
    const copy = join(folder, 'copy');
    mkdirSync(copy);
    for (const part of ['bin', 'dist', 'catalog', 'package.json'])
      cpSync(join(root, part), join(copy, part), { recursive: true });
    const outcome = await new Promise<Outcome>((resolve) => {
      const args = [join(copy, 'bin', 'orrery.js'), 'health', 'check', '--as', 'prolog', '--gpus', '0'];
      execFile(process.execPath, args, { env: {}, cwd: '/' }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
      });
    });
    expect(outcome).toMatchObject({ code: 0, stderr: '' });
  });
});

describe('orrery up --health-interval', () => {
  it('drains the nodes of the machine with the reason, until it is mended', async () => {
    const home = makeHome();
    const broken = join(folder, 'broken');
    const script = join(folder, 'site-check');
    writeFileSync(script, `#!/bin/sh\n[ ! -e ${broken} ] || { echo no coolant; exit 2; }\n`, { mode: 0o755 });
    // What else may be wrong with the machine of the test is not its subject.
    const skip =
      'skip: [zombies, blocked-processes, disk-space, disk-inodes, clock-skew, clock-source, block-devices, gpu-xid, gpu-xid-wear]';
    const file = yaml(`custom: [{name: site, command: [${script}]}]\n${skip}\n`);
    writeFileSync(broken, '');
    const daemon = await startDaemon(home, {}, ['--nodes', '2', '--health-interval', '1', '--health-expect', file]);
    try {
      const table = async () => (await orrery(['nodes'], {}, { ORRERY_HOME: home })).stdout;
      await expect
        .poll(table, { timeout: 50_000 })
        .toMatch(
          /n1 +drained .* failed health check: site: no coolant\nn2 +drained .* failed health check: site: no coolant\n\n2 nodes are out/,
        );
      rmSync(broken);
      await expect.poll(table, { timeout: 50_000 }).toMatch(/n1 +idle[^]*n2 +idle/);
    } finally {
      await daemon.client.shutdown({ cancel: true });
      await daemon.exited;
      await removeHome(home);
    }
  });

  it('is refused with a file that is wrong, before anything is made', async () => {
    const home = join(folder, 'never-made');
    const outcome = await orrery(
      ['up', '--detach', '--health-interval', '60', '--health-expect', yaml('gpu: {}\n')],
      {},
      { ORRERY_HOME: home },
    );
    expect(outcome).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^orrery: health\.yaml:1:1 gpu: unknown key; did you mean "gpus"\?\n$/),
    });
  });
});

describe('orrery health list', () => {
  it("shows severity and occasions, also of the site's own", async () => {
    const file = yaml(
      'severities: {disk-space: high}\ncustom: [{name: quota, command: [/opt/quota, --all], runsAs: [cron]}]\n',
    );
    const { code, stdout } = await orrery(['health', 'list', '--expect', file, '--json']);
    expect(code).toBe(0);
    const { checks } = z.object({ checks: z.array(z.record(z.string(), z.unknown())) }).parse(JSON.parse(stdout));
    expect(checks.find(({ name }) => name === 'disk-space')).toMatchObject({
      severity: 'high',
      runsAs: expect.arrayContaining(['prolog']),
    });
    expect(checks.at(-1)).toMatchObject({ name: 'quota', runsAs: ['cron'], reads: '/opt/quota --all' });
  });
});

describe('orrery health check --report', () => {
  const XIDS = [
    "echo '[    1.000000] NVRM: Xid (PCI:0000:dc:00): 31, pid=1, name=python3'",
    "echo '[    2.000000] NVRM: Xid (PCI:0000:dc:00): 45, pid=1, name=python3'",
  ].join('\n');
  const check = (args: readonly string[], dmesg = XIDS) =>
    orrery(['health', 'check', '--as', 'prolog', '--node', 's1', ...args], { dmesg });
  const files = (path: string) => readdirSync(path).map((name) => name.replace(/[0-9a-f]{8}/, 'BOOT'));

  it('leaves what was found in the folder that is named, or that the file names', async () => {
    const shared = mkdtempSync(join(folder, 'shared-'));
    expect(await check(['--report', shared], "echo '[    0.000000] Linux version 6'")).toMatchObject({ code: 0 });
    expect(files(shared)).toEqual([]);
    expect(await check(['--report', shared])).toMatchObject({ code: 0, stderr: '' });
    expect(files(shared)).toEqual(['s1.BOOT.json']);
    const text = readFileSync(join(shared, readdirSync(shared)[0] ?? ''), 'utf8');
    const report = nodeReportSchema.parse(JSON.parse(text));
    expect(report.xids.map(({ xid, pciAddress }) => [xid, pciAddress])).toEqual([
      [45, '0000:dc:00'],
      [31, '0000:dc:00'],
    ]);
    const another = mkdtempSync(join(folder, 'shared-'));
    const file = yaml(`report: ${another}\n`);
    expect(await check(['--expect', file])).toMatchObject({ code: 0, stderr: '' });
    expect(files(another)).toEqual(['s1.BOOT.json']);
    rmSync(join(another, readdirSync(another)[0] ?? ''));
    await check(['--expect', file, '--report', shared]);
    expect(files(another)).toEqual([]);
  });

  it('says so where it cannot, and ends as without it', async () => {
    const gone = join(folder, 'gone');
    const well = await check(['--report', gone]);
    expect(well).toMatchObject({ code: 0, stdout: '' });
    expect(well.stderr).toMatch(/^no report in .*gone: mktemp: .*No such file or directory\n$/);
    const failing = yaml(
      'custom: [{name: site, command: ["false"], severity: high, runsAs: [prolog]}]\nxids: {31: high}\n',
    );
    const bad = await check(['--expect', failing, '--report', gone]);
    expect(bad.code).toBe(2);
    expect(bad.stdout).toContain('CRITICAL s1: gpu-xid: XID 31');
  });

  it.runIf(canMountHung(join(folder, 'probe')))(
    'ends soon where the file server hangs',
    { timeout: 60_000 },
    async () => {
      const path = join(folder, 'hung');
      const end = mountHung(path);
      try {
        const startedAt = performance.now();
        const outcome = await check(['--report', path]);
        expect(outcome).toMatchObject({ code: 0, stderr: `no report: ${path} hangs: no answer within 3 s\n` });
        expect(performance.now() - startedAt).toBeLessThan(30_000);
      } finally {
        end();
      }
    },
  );
});
