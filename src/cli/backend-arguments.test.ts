import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type BackendOptions, backendArguments } from './backend-arguments.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'orrery-begun-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function beginWithSlurm(settings: object = {}): void {
  const file = { homeId: '0a1b2c3d', host: null, shared: null, reports: null, lemons: 'advise', ...settings };
  writeFileSync(join(home, 'slurm.json'), JSON.stringify(file));
}

const EVERYTHING = {
  host: 'login1',
  shared: '/scratch/me',
  reports: '/shared/reports',
  lemons: 'drain',
  healthIntervalSeconds: 3600,
  healthExpect: '/shared/health.yaml',
};

function refusal(options: BackendOptions): unknown {
  try {
    return backendArguments(home, options);
  } catch (error) {
    return error;
  }
}

describe('orrery up in a home that was begun with Slurm', () => {
  it('goes on with it without a flag, and says so', () => {
    beginWithSlurm();
    expect(backendArguments(home, {})).toEqual({
      isSlurm: true,
      args: ['--backend', 'slurm', '--health-interval', '0'],
      remark: `The jobs of ${home} are with Slurm: going on as before (--backend slurm)`,
    });
    beginWithSlurm(EVERYTHING);
    const { args, remark } = backendArguments(home, {});
    // What is not among these the daemon reads itself.
    expect(args.slice(2)).toEqual(['--health-interval', '3600', '--health-expect', '/shared/health.yaml']);
    expect(remark).toBe(
      `The jobs of ${home} are with Slurm: going on as before (--backend slurm --slurm-host login1 --shared /scratch/me --health-reports /shared/reports --lemons drain --health-interval 3600 --health-expect /shared/health.yaml)`,
    );
  });

  it('takes what flags say in the place of what was kept', () => {
    beginWithSlurm(EVERYTHING);
    const { args, remark } = backendArguments(home, { lemons: 'advise', slurmHost: 'login2', healthInterval: 0 });
    expect(args.slice(2)).toEqual(['--slurm-host', 'login2', '--lemons', 'advise', '--health-interval', '0']);
    expect(remark).toMatch(/\(--backend slurm --shared \/scratch\/me --health-reports \/shared\/reports\)$/);
    expect(backendArguments(home, { backend: 'slurm' }).remark).toBeNull();
  });

  it.each([
    [
      { backend: 'local' },
      '--backend local: the jobs of HOME are with Slurm: leave it out, or choose another ORRERY_HOME',
    ],
    [
      { nodes: 3 },
      '--nodes: the jobs of HOME are with Slurm, which has its own nodes and rules: leave it out, or choose another ORRERY_HOME',
    ],
  ])('refuses %j', (options, message) => {
    beginWithSlurm();
    expect(refusal(options)).toMatchObject({ code: 'ORR_CONFLICT', message: message.replace('HOME', home) });
  });

  it('says which file is at fault where it is not as it was written', () => {
    beginWithSlurm({ lemons: 'squeeze' });
    expect(refusal({})).toMatchObject({
      code: 'ORR_BAD_FILE',
      message: expect.stringMatching(/slurm\.json: lemons: /),
    });
    writeFileSync(join(home, 'slurm.json'), '{');
    expect(refusal({})).toMatchObject({ code: 'ORR_BAD_FILE', message: expect.stringMatching(/slurm\.json: no JSON/) });
  });
});

describe('orrery up in another home', () => {
  it('hands on what is about checks, and refuses Slurm once its jobs run here', () => {
    expect(backendArguments(home, { healthInterval: 300 })).toEqual({
      isSlurm: false,
      args: ['--health-interval', '300'],
      remark: null,
    });
    expect(backendArguments(home, { backend: 'slurm' })).toMatchObject({ isSlurm: true, remark: null });
    writeFileSync(join(home, 'orrery.db'), '');
    expect(refusal({ backend: 'slurm' })).toMatchObject({
      code: 'ORR_CONFLICT',
      message: `--backend slurm: the jobs of ${home} run on this machine: leave it out, or choose another ORRERY_HOME`,
    });
  });
});
