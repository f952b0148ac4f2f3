import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FAULT_POINTS, type FaultPoint, SUPERVISOR_FAULT_POINTS, type SupervisorFaultPoint } from './fault-points.ts';
import type { DriverOrder, DriverReport } from './launcher-driver.test-support.ts';
import { LauncherFixture } from './launcher-fixture.test-support.ts';

const DRIVER = fileURLToPath(new URL('launcher-driver.test-support.ts', import.meta.url));
const RANKS = 2;
const LINES = 50;
/** Leaves one line a rank in a file, and a log of which every line counts. */
const WRITE = `echo "$RANK" >> ledger
i=0
while [ $i -lt ${LINES} ]; do echo "line $i"; i=$((i+1)); [ $i -eq 25 ] && sleep 0.1; done
`;
const TASK = `${WRITE}exit 0\n`;
const ENDLESS = `${WRITE}\nsetsid -f sleep 1000\nsleep 1000\n`;

let fixture: LauncherFixture;

beforeEach(() => {
  fixture = new LauncherFixture();
});

afterEach(() => {
  const left = fixture.processes();
  fixture.remove();
  if (left.length > 0) throw new Error(`processes were left: ${left.join(' ')}`);
});

type Drive = Omit<DriverOrder, 'folder' | 'ranks' | 'attempt' | 'kill'> &
  Partial<Pick<DriverOrder, 'attempt' | 'kill'>>;

/** Runs a driver to its end: what it reported, or null if it was killed. */
function drive(order: Drive, fault?: FaultPoint | SupervisorFaultPoint): Promise<DriverReport | null> {
  const whole: DriverOrder = { attempt: 1, kill: false, ...order, folder: fixture.folder, ranks: RANKS };
  const child = spawn(process.execPath, [DRIVER, JSON.stringify(whole)], {
    env: fault === undefined ? {} : { ORRERY_FAULT_POINT: fault },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data: Buffer) => {
    stdout += data.toString();
  });
  child.stderr.on('data', (data: Buffer) => {
    stderr += data.toString();
  });
  return new Promise((resolve, reject) => {
    child.once('close', (code, signal) => {
      if (signal === 'SIGKILL') resolve(null);
      else if (code === 0) resolve(JSON.parse(stdout));
      else reject(new Error(`the driver ended with ${code ?? signal}: ${stderr}`));
    });
  });
}

function ledger(): string[] {
  const file = join(fixture.folder, 'work', 'ledger');
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean).sort() : [];
}

/** What a daemon does that finds the attempt: takes it over, or starts the next one if this one never began. */
async function recoverOrRestart(
  script: string,
  kill = false,
): Promise<{ report: DriverReport | null; attempt: number }> {
  const found = await drive({ program: { script }, first: 'recover', kill });
  if (found?.first.kind !== 'unclaimed') return { report: found, attempt: 1 };
  return { report: await drive({ program: { script }, first: 'start', attempt: 2, kill }), attempt: 2 };
}

function expectRanOnce(attempt: number): void {
  expect(ledger()).toEqual(['0', '1']);
  for (let rank = 0; rank < RANKS; rank += 1) {
    expect(fixture.readLog(fixture.plan({ script: '' }, { attempt }), `rank-${rank}.out`)).toBe(
      Array.from({ length: LINES }, (_, line) => `line ${line}\n`).join(''),
    );
  }
}

const reached = (prefix: string) => FAULT_POINTS.filter((name) => name.startsWith(prefix));

describe('a launcher that dies', () => {
  it.each(reached('launcher:'))('at %s: every rank runs exactly once', async (point) => {
    expect(await drive({ program: { script: TASK }, first: 'start' }, point)).toBeNull();
    const { report, attempt } = await recoverOrRestart(TASK);
    expect(report?.exit).toMatchObject({ state: 'COMPLETED', exitCode: 0 });
    expectRanOnce(attempt);
  });

  it.each(reached('kill:'))('at %s: the next one ends what is left', async (point) => {
    expect(await drive({ program: { script: ENDLESS }, first: 'start', kill: true }, point)).toBeNull();
    const { report, attempt } = await recoverOrRestart(ENDLESS, true);
    expect(attempt).toBe(1);
    expect(report?.exit?.state).toBe('FAILED');
    expect(fixture.processes()).toEqual([]);
  });

  it.each(reached('fence:'))('at %s: the attempt stays fenced', async (point) => {
    expect(await drive({ program: { script: TASK }, first: 'start' }, 'launcher:before-spawn')).toBeNull();
    expect(await drive({ program: { script: TASK }, first: 'recover' }, point)).toBeNull();
    const { report, attempt } = await recoverOrRestart(TASK);
    expect(report?.exit).toMatchObject({ state: 'COMPLETED' });
    expect(attempt).toBe(2);
    expectRanOnce(2);
  });

  it.each(reached('recover:'))('at %s: the attempt is found again', async (point) => {
    expect(await drive({ program: { script: TASK }, first: 'start' }, 'launcher:started')).toBeNull();
    await drive({ program: { script: TASK }, first: 'recover' }, point);
    const { report } = await recoverOrRestart(TASK);
    expect(report?.exit).toMatchObject({ state: 'COMPLETED' });
    expectRanOnce(1);
  });
});

describe('a supervisor that dies', () => {
  const KILLED = {
    state: 'FAILED',
    exitCode: 137,
    message: expect.stringMatching(/^the supervisor of rank \d .*killed$/),
  };
  const RETRY = { kind: 'failed', isRetryable: true };
  const expected: Record<SupervisorFaultPoint, object> = {
    'supervisor:before-claim': { first: RETRY, exit: null },
    'supervisor:claimed': { first: RETRY, exit: null },
    'supervisor:before-task': { exit: KILLED },
    'supervisor:task-started': { exit: KILLED },
    'supervisor:task-exited': { exit: KILLED },
    // The status is complete from here on, only its file has not its last name yet.
    'supervisor:status-written': { exit: { state: 'COMPLETED', exitCode: 0 } },
    'supervisor:status-synced': { exit: { state: 'COMPLETED', exitCode: 0 } },
  };

  it.each(SUPERVISOR_FAULT_POINTS)('at %s: it is noticed, and nothing is left', async (point) => {
    const report = await drive({ program: { script: TASK }, first: 'start' }, point);
    expect(report).toMatchObject(expected[point]);
    expect(fixture.processes()).toEqual([]);
    const ran = ledger();
    expect(ran).toEqual([...new Set(ran)]);
    // A gang of which a supervisor died too early never began.
    expect(ran.length > 0 && report?.first.kind === 'failed').toBe(false);
  });
});
