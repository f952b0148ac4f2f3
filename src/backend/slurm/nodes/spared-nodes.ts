import { type JobSpec, namedMemoryBytesPerNode } from '../../../contract/job.ts';
import type { JobRequest } from '../../../scheduler/types.ts';
import type { BackendReservation, JobSource } from '../../port.ts';
import type { MirrorJob } from '../mirror/mirror-job.ts';
import type { SlurmNode } from '../output/scontrol-text.ts';
import { type ClusterView, fitsOn, partitionsOf } from './cluster-view.ts';

/** What is known of the cluster now; of `nodes` none where Slurm does not show them. */
export interface KnownNodes {
  view: Pick<ClusterView, 'partitions'>;
  nodes: readonly SlurmNode[];
  /** Null: not known. */
  reservations: readonly BackendReservation[] | null;
}

/** What of a job says where it can run; null where its specification is not known any more. */
interface Wanted {
  spec: JobSpec | null;
  /** Jobs with the same have the same nodes. */
  key: string;
}

/** Nodes of a partition: all of them, and those that a job could have now, whoever has them. */
interface Usable {
  members: ReadonlySet<string>;
  names: ReadonlySet<string>;
}

/** Which nodes jobs are kept off, so that each still has enough others that are in service. */
export class SparedNodes {
  readonly #jobs: JobSource;
  readonly #wanted = new WeakMap<JobRequest, Wanted>();
  #known: KnownNodes | null = null;
  /** By the key of a job. */
  readonly #usable = new Map<string, readonly Usable[]>();

  constructor(jobs: JobSource) {
    this.#jobs = jobs;
  }

  /**
   * Nodes that failed the job, the last one first, and then nodes that all jobs keep off: each as long as one of its partitions has enough others that
   * are in service, have what it asks for, and are neither excluded by it nor in this list. What it names itself (`--nodelist`) is never among them.
   */
  of({ request, failedNodes }: MirrorJob, avoided: Iterable<string>, known: KnownNodes): readonly string[] {
    const wishes = new Set([...failedNodes.toReversed(), ...avoided]);
    if (wishes.size === 0) return [];
    const wanted = this.#wantedBy(request);
    const usable = this.#usableBy(wanted, request, known);
    let left = usable.map(({ names }) => names.size);
    const spared: string[] = [];
    for (const name of wishes) {
      const isOwn = request.excludedNodes.includes(name) || wanted.spec?.nodelist?.includes(name) === true;
      if (isOwn || !usable.some(({ members }) => members.has(name))) continue;
      const without = usable.map(({ names }, place) => (left[place] ?? 0) - (names.has(name) ? 1 : 0));
      if (!without.some((count) => count >= request.nodes)) continue;
      left = without;
      spared.push(name);
    }
    return spared;
  }

  /** Of each of its partitions. */
  #usableBy({ spec, key }: Wanted, request: JobRequest, known: KnownNodes): readonly Usable[] {
    const before = this.#known;
    const isSame =
      before?.view === known.view && before.nodes === known.nodes && before.reservations === known.reservations;
    if (!isSame) this.#usable.clear();
    this.#known = known;
    const found = this.#usable.get(key);
    if (found !== undefined) return found;
    const reserved = reservedNodes(request.reservation, known.reservations);
    const canHave = (node: SlurmNode) =>
      isInService(node, reserved !== null) &&
      (reserved?.has(node.spec.name) ?? true) &&
      (spec === null || fitsOn(node, spec));
    const excluded = new Set(request.excludedNodes);
    const names = new Set(known.nodes.filter(canHave).map((node) => node.spec.name));
    const usable = partitionsOf(known.view, request.partition).map(({ nodeNames }) => {
      const isUsable = (name: string) => !excluded.has(name) && (known.nodes.length === 0 || names.has(name));
      return { members: new Set(nodeNames), names: new Set(nodeNames.filter(isUsable)) };
    });
    this.#usable.set(key, usable);
    return usable;
  }

  #wantedBy(request: JobRequest): Wanted {
    const before = this.#wanted.get(request);
    if (before !== undefined) return before;
    const spec = this.#jobs.read(request.jobId)?.accepted.spec ?? null;
    const { partition, reservation, excludedNodes, perNode, gpuType } = request;
    const shape = [perNode, gpuType, spec?.constraint, spec && namedMemoryBytesPerNode(spec)];
    const wanted = { spec, key: JSON.stringify([partition, reservation, excludedNodes, shape]) };
    this.#wanted.set(request, wanted);
    return wanted;
  }
}

/** Null: those of its partition. */
function reservedNodes(
  names: string | undefined,
  known: readonly BackendReservation[] | null,
): ReadonlySet<string> | null {
  if (names === undefined || known === null) return null;
  const own = names.split(',');
  return new Set(known.filter(({ name }) => own.includes(name)).flatMap(({ nodes }) => nodes));
}

/** Whether Slurm would give it to a job now, or once it is free; what is reserved for maintenance to jobs of that reservation. */
function isInService({ state, slurmState }: SlurmNode, isReserved: boolean): boolean {
  if (state === 'down') return false;
  if (state !== 'drained' && state !== 'draining') return true;
  return isReserved && /MAINT/.test(slurmState) && !/DRAIN|REBOOT|FAIL/.test(slurmState);
}
