import { describe, expect, it } from 'vitest';
import { jobSpecSchema, type JobSpecInput } from '../../../contract/job.ts';
import { toJobRequest } from '../../../contract/job-request.ts';
import type { BackendReservation } from '../../port.ts';
import { job } from '../mirror/mirror.test-support.ts';
import { parseNodes } from '../output/scontrol-text.ts';
import { SparedNodes } from './spared-nodes.ts';

const NAMES = ['n1', 'n2', 'n3', 'n4', 'n5'];
const OPEN = { isDefault: false, isUp: true, priorityTier: 1, maxTimeSeconds: null, defaultTimeSeconds: null };
const PARTITIONS = [
  { ...OPEN, name: 'main', isDefault: true, nodeNames: NAMES },
  { ...OPEN, name: 'half', nodeNames: ['n1', 'n2'] },
  { ...OPEN, name: 'rest', nodeNames: ['n3', 'n4', 'n5'] },
];

interface Case {
  failed: string[];
  avoided?: string[];
  job?: Partial<JobSpecInput>;
  /** Fields of `scontrol show node` by the name; other nodes are idle. */
  shown?: Record<string, string>;
  reservations?: BackendReservation[];
  /** Slurm does not show them. */
  areHidden?: boolean;
}

/** The nodes that a job for four nodes keeps off. */
function spared({ failed, avoided = [], job: fields = {}, shown = {}, reservations, areHidden = false }: Case) {
  const spec = jobSpecSchema.parse({ command: ['true'], nodes: 4, ...fields });
  const request = toJobRequest(7, spec, 0);
  const accepted = { spec, cwd: '/', environment: {}, code: null };
  const known = {
    view: { partitions: PARTITIONS },
    nodes: areHidden
      ? []
      : NAMES.flatMap((name) => parseNodes(`NodeName=${name} CPUTot=4 RealMemory=1024 ${shown[name] ?? 'State=IDLE'}`)),
    reservations: reservations ?? null,
  };
  const source = { read: () => ({ accepted, request, attempts: 1 }) };
  return new SparedNodes(source).of(job({ request, failedNodes: failed }), avoided, known);
}

describe('nodes that a job keeps off', () => {
  it('are those that failed it, as long as enough others are in service, and not just there', () => {
    expect(spared({ failed: ['n2'] })).toEqual(['n2']);
    for (const state of ['DOWN*', 'IDLE+DRAIN', 'MIXED+DRAIN', 'IDLE+MAINT'])
      expect(spared({ failed: ['n2'], shown: { n5: `State=${state}` } })).toEqual([]);
    // Slurm starts it for the job; or others have it for a while.
    for (const state of ['IDLE+CLOUD+POWERED_DOWN', 'ALLOCATED', 'MIXED'])
      expect(spared({ failed: ['n2'], shown: { n5: `State=${state}` } })).toEqual(['n2']);
    // One that is down itself costs nothing.
    expect(spared({ failed: ['n2'], shown: { n2: 'State=DOWN*' } })).toEqual(['n2']);
    expect(spared({ failed: ['n2'], areHidden: true })).toEqual(['n2']);
  });

  it('are the last ones that failed it, and then those that all jobs keep off, where not all can be had', () => {
    expect(spared({ failed: ['n1', 'n2'], avoided: ['n3'] })).toEqual(['n2']);
    expect(spared({ failed: ['n1', 'n2'], avoided: ['n3'], job: { nodes: 2 } })).toEqual(['n2', 'n1', 'n3']);
    expect(spared({ failed: [], avoided: ['n3', 'n4'], job: { nodes: 4 } })).toEqual(['n3']);
    expect(spared({ failed: ['n2'], job: { exclude: ['n3'] } })).toEqual([]);
  });

  it('leave enough of those that have what it asks for', () => {
    const small = { n5: 'State=IDLE' };
    expect(spared({ failed: ['n2'], job: { memory: '2G' }, shown: small })).toEqual([]);
    const large = Object.fromEntries(NAMES.slice(0, 4).map((name) => [name, 'State=IDLE AvailableFeatures=large']));
    expect(spared({ failed: ['n2'], job: { constraint: 'large' }, shown: large })).toEqual([]);
    expect(spared({ failed: ['n2'], job: { constraint: 'large', nodes: 3 }, shown: large })).toEqual(['n2']);
  });

  it('are none that it names, and none of another partition', () => {
    expect(spared({ failed: ['n2'], job: { nodes: 2, nodelist: ['n2'] } })).toEqual([]);
    expect(spared({ failed: ['n2'], job: { nodes: 1, partition: 'rest' } })).toEqual([]);
    // Nodes of two partitions it never has at once.
    expect(spared({ failed: ['n2', 'n4'], job: { nodes: 3, partition: 'half,rest' } })).toEqual(['n2']);
    expect(spared({ failed: ['n2', 'n4'], job: { nodes: 1, partition: 'half,rest' } })).toEqual(['n4', 'n2']);
  });

  it('leave enough of those that are reserved for it, also for maintenance', () => {
    const reservation = { name: 'mine', nodes: ['n1', 'n2', 'n3'], startMs: 0, endMs: 1, users: [], accounts: [] };
    const reservations = [reservation];
    expect(spared({ failed: ['n2'], job: { nodes: 3, reservation: 'mine' }, reservations })).toEqual([]);
    expect(spared({ failed: ['n2'], job: { nodes: 2, reservation: 'mine' }, reservations })).toEqual(['n2']);
    const shown = { n1: 'State=IDLE+MAINT', n2: 'State=IDLE+MAINT', n3: 'State=IDLE+MAINT' };
    expect(spared({ failed: ['n2'], job: { nodes: 2, reservation: 'mine' }, reservations, shown })).toEqual(['n2']);
    const drained = { ...shown, n3: 'State=IDLE+MAINT+DRAIN' };
    expect(spared({ failed: ['n2'], job: { nodes: 2, reservation: 'mine' }, reservations, shown: drained })).toEqual(
      [],
    );
  });
});
