import { LauncherFixture } from './launcher-fixture.test-support.ts';
import type { AttemptExit, AttemptPlan, LaunchResult, Recovered } from './launcher-port.ts';

/** What a driver process is to do, as JSON in its one argument. */
export interface DriverOrder {
  folder: string;
  program: AttemptPlan['program'];
  ranks: number;
  attempt: number;
  /** How the attempt comes into the driver's hands. */
  first: 'start' | 'recover';
  /** Whether to kill it then. */
  kill: boolean;
}

/** What it prints as one line of JSON. */
export interface DriverReport {
  first: LaunchResult | Recovered;
  exit: AttemptExit | null;
}

/** For tests: a process with a launcher in it, made to die at a fault point, or to find out what one that died has left. */
async function drive(order: DriverOrder): Promise<DriverReport> {
  const { folder, program, ranks, attempt, kill } = order;
  const fixture = new LauncherFixture(folder);
  const launcher = fixture.launcher();
  const plan = fixture.plan(program, { ranks, attempt });
  const first = order.first === 'start' ? await launcher.start(plan) : await launcher.recover(plan);
  const isRunning = first.kind === 'started' || first.kind === 'running';
  if (isRunning && kill) await launcher.kill(plan.jobId, plan.attempt, 50);
  const exit = isRunning ? await launcher.exitOf(plan) : first.kind === 'ended' ? first.exit : null;
  await launcher.close();
  return { first, exit };
}

if (import.meta.main) {
  const order: DriverOrder = JSON.parse(process.argv[2] ?? '');
  console.log(JSON.stringify(await drive(order)));
}
