import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JobRow } from '../../store/job-row.ts';
import type { NodeView } from '../../scheduler/types.ts';
import { DaemonFixture } from '../daemon.test-support.ts';
import type { LiveJob } from '../job-book.ts';
import { type ExposedFamily, parseExposition } from './exposition.test-support.ts';
import { registerFamilies } from './family.ts';
import { JOB_FAMILIES, JobSums } from './job-families.ts';
import { JournalCounters } from './journal-counters.ts';
import { NODE_FAMILIES, NodeSums } from './node-families.ts';

/** `state="PENDING"` and the like to value, of one family. */
function valuesOf(families: Map<string, ExposedFamily>, name: string): Record<string, number> {
  const samples = families.get(name)?.samples ?? [];
  return Object.fromEntries(samples.map(({ labels, value }) => [Object.values(labels).join(' '), value]));
}

const ROW: JobRow = {
  jobId: 1,
  acceptedSeq: 1,
  name: 'job',
  account: 'research',
  qos: 'normal',
  user: 'ann',
  partition: null,
  array: null,
  nodes: 2,
  gpusPerNode: 4,
  cpusPerNode: 1,
  dependencies: [],
  waitRule: null,
  submitMs: 0,
  state: 'PENDING',
  isEnded: false,
  exitCode: null,
  attempt: 0,
  requeues: 0,
  isHeld: false,
  nodeList: [],
  startMs: null,
  endMs: null,
  queuedSinceMs: 0,
  queuedMs: 0,
};

function job(row: Partial<JobRow>, view: Partial<LiveJob> = {}): LiveJob {
  const { qos } = { ...ROW, ...row };
  return { row: { ...ROW, ...row }, state: 'PENDING', reason: 'Priority', partition: 'gpu', qos, ...view };
}

async function exposed(jobs: readonly LiveJob[], nowMs: number): Promise<Map<string, ExposedFamily>> {
  const registry = new Registry();
  registerFamilies(JOB_FAMILIES, registry)(new JobSums(jobs, nowMs));
  return parseExposition(await registry.metrics());
}

describe('what is said of jobs', () => {
  it('is their number and their GPUs, by state and by what operators ask for', async () => {
    const families = await exposed(
      [job({}), job({ user: 'bob', nodes: 1 }, { state: 'RUNNING', reason: 'None' }), job({}, { partition: null })],
      0,
    );
    expect(valuesOf(families, 'orrery_jobs')).toEqual({ PENDING: 2, RUNNING: 1, COMPLETING: 0 });
    expect(valuesOf(families, 'orrery_job_gpus')).toEqual({ PENDING: 16, RUNNING: 4, COMPLETING: 0 });
    expect(valuesOf(families, 'orrery_user_job_gpus')).toMatchObject({ 'ann PENDING': 16, 'bob RUNNING': 4 });
    expect(valuesOf(families, 'orrery_partition_jobs')).toMatchObject({ 'gpu PENDING': 1, 'none PENDING': 1 });
    expect(valuesOf(families, 'orrery_pending_jobs')).toEqual({ Priority: 2 });
  });

  it('names a bounded number of users, accounts and reasons, the heaviest, and adds the rest up', async () => {
    const jobs = Array.from({ length: 1000 }, (_, index) => {
      const row = { user: `user${index}`, account: `account${index}`, qos: `qos${index}`, nodes: 1 + index };
      return job(row, { reason: `Reason${index}`, partition: `partition${index}` });
    });
    const families = await exposed(jobs, 5_000);
    for (const { name, samples } of families.values()) {
      expect(samples.length).toBeLessThanOrEqual(21 * 3);
      if (name === 'orrery_longest_wait_seconds') continue;
      const sum = samples.reduce((total, { value }) => total + value, 0);
      expect([name, sum]).toEqual([name, name.endsWith('_gpus') ? 4 * 500_500 : 1000]);
    }
    const byUser = valuesOf(families, 'orrery_user_job_gpus');
    expect(byUser).toMatchObject({ 'user999 PENDING': 4000, 'user980 PENDING': 4 * 981 });
    expect(byUser).not.toHaveProperty('user979 PENDING');
    expect(valuesOf(families, 'orrery_user_jobs')['other PENDING']).toBe(980);
  });

  it('takes the word alone of a reason that names nodes', async () => {
    const families = await exposed([job({}, { reason: 'ReqNodeNotAvail, UnavailableNodes:s1' })], 0);
    expect(valuesOf(families, 'orrery_pending_jobs')).toEqual({ ReqNodeNotAvail: 1 });
  });

  it('is the longest wait of those that the cluster keeps waiting', async () => {
    const families = await exposed(
      [
        job({ queuedSinceMs: 4_000 }),
        job({ queuedSinceMs: 2_000 }),
        job({ queuedSinceMs: 0 }, { reason: 'Dependency' }),
        job({ queuedSinceMs: null }, { reason: 'JobHeldUser' }),
      ],
      10_000,
    );
    expect(valuesOf(families, 'orrery_longest_wait_seconds')).toEqual({ gpu: 8 });
  });
});

describe('what is said of nodes', () => {
  const node = (name: string, view: Partial<NodeView> = {}): NodeView => ({
    spec: { name, resources: { cpus: 8, memoryBytes: 1000, gpus: 4 }, gpuType: 'a100', leaf: null },
    state: 'idle',
    free: { cpus: 8, memoryBytes: 1000, gpus: 4 },
    reason: null,
    jobIds: [],
    ...view,
  });

  it('is what is held, free and out of service, by type and by partition, and which nodes are out and why', async () => {
    const nodes = [
      node('s1', { state: 'mixed', free: { cpus: 6, memoryBytes: 400, gpus: 1 } }),
      node('s2', { state: 'draining', free: { cpus: 6, memoryBytes: 400, gpus: 1 }, reason: 'health: gpu-ecc: bad' }),
      node('s3'),
    ];
    const registry = new Registry();
    const partitionsOf = (name: string) => (name === 's3' ? ['all', 'spare'] : ['all']);
    registerFamilies(NODE_FAMILIES, registry)(new NodeSums(nodes, partitionsOf, (name) => name === 's3'));
    const families = parseExposition(await registry.metrics());
    expect(valuesOf(families, 'orrery_gpus')).toEqual({ 'a100 allocated': 6, 'a100 idle': 5, 'a100 out': 1 });
    expect(valuesOf(families, 'orrery_cpus')).toEqual({ allocated: 4, idle: 14, out: 6 });
    expect(valuesOf(families, 'orrery_partition_gpus')).toMatchObject({ 'spare idle': 4, 'all out': 1 });
    expect(valuesOf(families, 'orrery_partition_nodes')).toMatchObject({ 'all draining': 1, 'spare idle': 1 });
    expect(valuesOf(families, 'orrery_node_out')).toEqual({ 's2 health': 1 });
    expect(valuesOf(families, 'orrery_node_lemon')).toEqual({ s3: 1 });
  });

  it('is bounded too', async () => {
    const nodes = Array.from({ length: 2000 }, (_, index) => node(`s${index}`, { state: 'down' }));
    const registry = new Registry();
    registerFamilies(
      NODE_FAMILIES,
      registry,
    )(
      new NodeSums(
        nodes,
        (name) => [name],
        () => true,
      ),
    );
    const families = parseExposition(await registry.metrics());
    for (const { name, samples } of families.values()) expect([name, samples.length > 21 * 6]).toEqual([name, false]);
    expect(valuesOf(families, 'orrery_node_out')['other down']).toBe(1950);
    expect(valuesOf(families, 'orrery_node_lemon')['other']).toBe(1950);
    expect(valuesOf(families, 'orrery_partition_nodes')['other down']).toBe(1980);
  });
});

describe('what is counted', () => {
  it('is what the journal says, with bounded names of partitions', async () => {
    const registry = new Registry();
    const counters = new JournalCounters(registry);
    for (let jobId = 1; jobId <= 50; jobId += 1) {
      const partition = `partition${jobId}`;
      const entries = [
        { kind: 'AttemptStarting' as const, atMs: 0, jobId, attempt: 1, placement: [] },
        { kind: 'AttemptEnded' as const, atMs: 0, jobId, attempt: 1, state: 'PREEMPTED' as const, exitCode: 1 },
        { kind: 'JobRequeued' as const, atMs: 0, jobId, requeues: 0, isHeld: false },
        // A wait is counted once a job.
        { kind: 'AttemptStarting' as const, atMs: 0, jobId, attempt: 2, placement: [] },
      ].map((event, seq) => ({ seq, record: { event } }));
      counters.count(entries, () => ({ row: { queuedMs: 30_000 }, partition }));
    }
    const families = parseExposition(await registry.metrics());
    expect(valuesOf(families, 'orrery_attempts_ended_total')).toMatchObject({ PREEMPTED: 50, NODE_FAIL: 0 });
    expect(valuesOf(families, 'orrery_requeues_total')).toEqual({ '': 50 });
    const waits = families.get('orrery_queue_wait_seconds')?.samples.filter(({ name }) => name.endsWith('_count'));
    expect(waits).toHaveLength(21);
    expect(waits?.find(({ labels }) => labels['partition'] === 'other')?.value).toBe(30);
    expect(families.get('orrery_queue_wait_seconds')?.samples).toContainEqual({
      name: 'orrery_queue_wait_seconds_bucket',
      labels: { le: '60', partition: 'partition1' },
      value: 1,
    });
  });
});

describe('GET /metrics', () => {
  const fixture = new DaemonFixture();
  const read = async () => parseExposition(await (await fixture.fetch('/metrics')).text());
  beforeAll(() => fixture.start());
  afterAll(() => fixture.remove());

  it('follows what happens', async () => {
    const failed = await fixture.sh('exit 3');
    await fixture.until(failed, 'FAILED');
    const running = await fixture.sh('sleep 60', { gpusPerNode: 1 });
    await fixture.until(running, 'RUNNING');
    const held = await fixture.sh('true', { hold: true });
    await fixture.client.drainNode('n2', 'new fan');
    const families = await read();
    expect(valuesOf(families, 'orrery_jobs')).toEqual({ PENDING: 1, RUNNING: 1, COMPLETING: 0 });
    expect(valuesOf(families, 'orrery_pending_jobs')).toEqual({ JobHeldUser: 1 });
    expect(valuesOf(families, 'orrery_submissions_total')).toEqual({ '': 3 });
    expect(valuesOf(families, 'orrery_attempts_ended_total')).toMatchObject({ FAILED: 1, COMPLETED: 0 });
    expect(valuesOf(families, 'orrery_node_out')).toEqual({ 'n2 other': 1 });
    expect(valuesOf(families, 'orrery_outage')).toEqual({ '': 0 });
    expect(valuesOf(families, 'orrery_partition_nodes')).toMatchObject({ 'none drained': 1 });
    expect(valuesOf(families, 'orrery_used_gpu_seconds_total')['']).toBeGreaterThan(0);
    await fixture.client.forecast(held);
    const forecasts = (await read()).get('orrery_forecast_seconds')?.samples ?? [];
    expect(forecasts.find(({ name }) => name.endsWith('_count'))?.value).toBe(1);
    for (const id of [running, held]) await fixture.client.cancel(id);
    await fixture.client.resumeNode('n2');
  });
});
