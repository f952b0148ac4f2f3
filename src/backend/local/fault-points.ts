import { OrreryError } from '../../contract/errors.ts';

/** Instants in the daemon's process between two steps that must not come apart. */
export const FAULT_POINTS = [
  'backend:facts-committed',
  'backend:decided',
  'backend:decisions-committed',
  'store:before-commit',
  'store:after-commit',
  'launcher:before-folder',
  'launcher:folder-made',
  'launcher:before-spawn',
  'launcher:spawned',
  'launcher:claimed',
  'launcher:go-written',
  'launcher:started',
  'launcher:task-exited',
  'launcher:before-report',
  'kill:requested',
  'kill:terminated',
  'kill:destroyed',
  'fence:before-claims',
  'fence:claimed',
  'recover:watching',
] as const;

/** Instants in a task's supervisor, which then dies by SIGKILL and leaves the daemon to find out. */
export const SUPERVISOR_FAULT_POINTS = [
  'supervisor:before-claim',
  'supervisor:claimed',
  'supervisor:before-task',
  'supervisor:task-started',
  'supervisor:task-exited',
  'supervisor:status-written',
  'supervisor:status-synced',
] as const;

export type FaultPoint = (typeof FAULT_POINTS)[number];
export type SupervisorFaultPoint = (typeof SUPERVISOR_FAULT_POINTS)[number];

/** Where to die. */
export interface Fault {
  name: FaultPoint | SupervisorFaultPoint;
  /** How many times the point is still passed, this one included, until it strikes. */
  left: number;
}

/**
 * Reads `ORRERY_FAULT_POINT=name[:count]`: die at the point called `name` when it is reached for the `count`-th time (default 1).
 * Throws ORR_USAGE for a name that is not a point, so that no drill passes because it never ran.
 */
export function parseFault(text: string | undefined): Fault | null {
  if (text === undefined || text === '') return null;
  const [, name, count] = /^(.*?)(?::(\d+))?$/.exec(text) ?? [];
  const known = [...FAULT_POINTS, ...SUPERVISOR_FAULT_POINTS].find((point) => point === name);
  if (known === undefined) throw new OrreryError('ORR_USAGE', `ORRERY_FAULT_POINT: no fault point "${text}"`);
  return { name: known, left: Number(count ?? 1) };
}

let armed: Fault | null | undefined;

function strikes(name: string): boolean {
  if (armed === undefined) armed = parseFault(process.env['ORRERY_FAULT_POINT']);
  if (armed?.name !== name) return false;
  armed.left -= 1;
  return armed.left === 0;
}

/** Does nothing, unless this process was started to die here: then it kills itself with SIGKILL, as a crash would. */
export function faultPoint(name: FaultPoint): void {
  if (strikes(name)) process.kill(process.pid, 'SIGKILL');
}

/** Where the next supervisor to be spawned is to die: a point's name without its prefix, or '' where it is to live. */
export function supervisorFault(): string {
  const struck = SUPERVISOR_FAULT_POINTS.find((name) => strikes(name));
  return struck === undefined ? '' : struck.slice('supervisor:'.length);
}
