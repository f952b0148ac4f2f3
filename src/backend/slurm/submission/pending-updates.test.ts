import { expect, it } from 'vitest';
import { job, slurm } from '../mirror/mirror.test-support.ts';
import { MirrorState } from '../mirror/mirror-state.ts';
import { PendingUpdates } from './pending-updates.ts';
import { SlurmCommands } from '../slurm-commands.ts';

/** What Slurm is told of a job that waits, and of which all jobs keep off n1 and n2. `nameThere`: of what has its number by then; `timesMs`: of the looks, at which Slurm shows it as it was. */
async function toldOf(
  fields: Parameters<typeof slurm>[0],
  nameThere = slurm().name,
  timesMs: readonly number[] = [0],
  {
    failedNodes = [],
    spareable = ['n1', 'n2'],
    nodeNames = [],
  }: { failedNodes?: string[]; spareable?: string[]; nodeNames?: string[] } = {},
): Promise<string[]> {
  const state = new MirrorState({ append: () => Promise.resolve() });
  const waiting = job({ phase: 'submitted', slurm: slurm(fields), failedNodes });
  for (const name of nodeNames) {
    const resources = { cpus: 1, memoryBytes: 1, gpus: 0 };
    state.apply({ event: { kind: 'NodeAdded', atMs: 0, node: { name, resources, gpuType: null, leaf: null } } });
  }
  for (const name of ['n1', 'n2']) state.avoided.set(name, 'a lemon');
  state.jobs.set(waiting.request.jobId, waiting);
  const told: string[] = [];
  let nowMs = 0;
  class Commands extends SlurmCommands {
    override run(program: string, args: readonly string[]): Promise<string> {
      if (program === 'squeue') return Promise.resolve(`${nameThere}|/folder\n`);
      told.push(args.join(' '));
      return Promise.resolve('');
    }
  }
  const updates = new PendingUpdates({
    commands: new Commands({ host: null, socketFolder: null, env: {}, timeoutMs: 1 }),
    state,
    spareable: () => spareable,
    submitAnew: () => Promise.reject(new Error('nothing is wrong with it')),
    now: () => nowMs,
    log: { info: () => undefined, error: () => undefined },
  });
  for (nowMs of timesMs) await updates.make();
  return told;
}

it('brings the nodes to keep off up to date, but never takes away one that the job has to run on', async () => {
  expect(await toldOf({})).toEqual(['update JobId=50 ExcNodeList=n1,n2']);
  expect(await toldOf({ requiredNodes: 'n[2-3]' })).toEqual(['update JobId=50 ExcNodeList=n1']);
  expect(await toldOf({ requiredNodes: 'n[1-2]' })).toEqual([]);
});

it('names no node that the cluster has no more, of which Slurm would take none', async () => {
  const nodeNames = ['n1', 'n8'];
  expect(await toldOf({ excludedNodes: 'n[7-8]' }, slurm().name, [0], { nodeNames })).toEqual([
    'update JobId=50 ExcNodeList=n1,n8',
  ]);
});

it('tells nothing to a job of somebody else that has the number by now', async () => {
  expect(await toldOf({}, 'theirs')).toEqual([]);
});

it('leaves what somebody else told Slurm of the job', async () => {
  expect(await toldOf({ excludedNodes: 'n[7-8]' })).toEqual(['update JobId=50 ExcNodeList=n1,n2,n7,n8']);
  expect(await toldOf({ excludedNodes: 'n[1-2]', dependency: 'afterok:999(unfulfilled)' })).toEqual([]);
});

it('tells again what Slurm took and has forgotten since, more and more seldom', async () => {
  const update = 'update JobId=50 ExcNodeList=n1,n2';
  expect(await toldOf({}, slurm().name, [0, 1_000, 29_999])).toEqual([update]);
  expect(await toldOf({}, slurm().name, [0, 30_000, 89_999])).toEqual([update, update]);
  expect(await toldOf({}, slurm().name, [0, 30_000, 90_000, 91_000])).toEqual([update, update, update]);
});

it('lets it have nodes again of which it needs one, and no others', async () => {
  const lifted = { failedNodes: ['n3'], spareable: ['n1'] };
  expect(await toldOf({ excludedNodes: 'n[1-3,8]' }, slurm().name, [0], lifted)).toEqual([
    'update JobId=50 ExcNodeList=n1,n8',
  ]);
  expect(await toldOf({ excludedNodes: 'n[1,8]' }, slurm().name, [0], lifted)).toEqual([]);
  const none = { failedNodes: ['n3'], spareable: [] };
  expect(await toldOf({ excludedNodes: 'n3' }, slurm().name, [0], none)).toEqual(['update JobId=50 ExcNodeList=']);
});
