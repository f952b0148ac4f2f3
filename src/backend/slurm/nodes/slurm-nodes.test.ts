import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { JournalRecord } from '../../../contract/journal.ts';
import type { ClusterView } from './cluster-view.ts';
import { BARE_CLUSTER } from './cluster-view.test-support.ts';
import { KnownCluster } from './known-cluster.ts';
import { job } from '../mirror/mirror.test-support.ts';
import { MirrorState } from '../mirror/mirror-state.ts';
import type { SlurmNode } from '../output/scontrol-text.ts';
import { SlurmCommands } from '../slurm-commands.ts';
import { SlurmNodes } from './slurm-nodes.ts';

const resources = { cpus: 4, memoryBytes: 1, gpus: 0 };
const node = (name: string): SlurmNode => ({
  spec: { name, resources, gpuType: null, leaf: null },
  state: 'idle',
  isSilent: false,
  slurmState: 'IDLE',
  reason: null,
  allocated: { cpus: 0, memoryBytes: 0, gpus: 0 },
  partitions: ['main'],
});
const names = ['n1', 'n2', 'n3', 'n4'];
const partition = { isUp: true, priorityTier: 1, maxTimeSeconds: null, defaultTimeSeconds: null };
const cluster: ClusterView = {
  ...BARE_CLUSTER,
  nodes: [...names, 'other'].map(node),
  partitions: [
    { ...partition, name: 'main', isDefault: true, nodeNames: names },
    { ...partition, name: 'spare', isDefault: false, nodeNames: ['other'] },
  ],
};
const LEMON = 'lemon node: 4 gangs lost';

const known = (view: ClusterView, later = view) =>
  new KnownCluster(
    view,
    () => Promise.resolve(later),
    () => 7,
  );

/** Nobody asks them. */
const others = { jobs: { read: () => undefined }, reservations: { seen: null, refresh: () => Promise.resolve() } };

let records: JournalRecord[];
let state: MirrorState;
let nodes: SlurmNodes;
const nodesBy = (commands: SlurmCommands) =>
  new SlurmNodes({ ...others, commands, prompt: commands, state, cluster: known(cluster), user: 'me', now: () => 7 });

beforeEach(async () => {
  records = [];
  const journal = {
    append: (more: readonly JournalRecord[]) => {
      records.push(...more);
      return Promise.resolve();
    },
  };
  state = new MirrorState(journal);
  // No command of Slurm's is there: whoever asks one fails.
  const commands = new SlurmCommands({ host: null, socketFolder: null, env: { PATH: '/nowhere' }, timeoutMs: 1000 });
  nodes = nodesBy(commands);
  await nodes.start();
});

describe('a node that Slurm does not resume', () => {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-scontrol-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  /** A `scontrol` that resumes nobody and shows one node so. */
  const resume = async (shown: string) => {
    const said = 'slurm_update error: Invalid node state specified';
    const script = `#!/bin/sh\n[ "$1" = update ] && { echo '${said}' >&2; exit 1; }\necho 'NodeName=n1 CPUTot=4 ${shown}'\n`;
    writeFileSync(join(folder, 'scontrol'), script, { mode: 0o755 });
    const env = { PATH: `${folder}:/usr/bin:/bin` };
    const commands = new SlurmCommands({ host: null, socketFolder: null, env, timeoutMs: 10_000 });
    await nodesBy(commands).resume('n1');
  };

  it('is as it should be where it is in service, and else named with its state', async () => {
    await expect(resume('State=MIXED')).resolves.toBeUndefined();
    await expect(resume('State=IDLE+POWERED_DOWN')).resolves.toBeUndefined();
    await expect(resume('State=IDLE+MAINT Reason=idle for long')).rejects.toMatchObject({
      code: 'ORR_CONFLICT',
      message: 'Slurm does not resume node n1, which is IDLE+MAINT (idle for long): scontrol show node n1 says more',
    });
  });
});

describe('a node that is drained while somebody asks how the nodes are', () => {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-scontrol-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('stays drained where that answer, of before, is the later one', async () => {
    const file = (name: string) => join(folder, name);
    const script = [
      '#!/bin/sh',
      `[ "$1" = update ] && { touch ${file('drained')}; exit; }`,
      `[ -e ${file('drained')} ] && { echo 'NodeName=n1 CPUTot=4 State=IDLE+DRAIN Reason=fan'; exit; }`,
      `touch ${file('asked')}`,
      `while [ ! -e ${file('answered')} ]; do sleep 0.02; done`,
      "echo 'NodeName=n1 CPUTot=4 State=IDLE'",
      '',
    ];
    writeFileSync(file('scontrol'), script.join('\n'), { mode: 0o755 });
    const env = { PATH: `${folder}:/usr/bin:/bin` };
    nodes = nodesBy(new SlurmCommands({ host: null, socketFolder: null, env, timeoutMs: 30_000 }));
    const before = nodes.refresh();
    await expect.poll(() => existsSync(file('asked')), { timeout: 20_000 }).toBe(true);
    await nodes.drain('n1', 'fan');
    writeFileSync(file('answered'), '');
    await before;
    expect(nodes.views()).toMatchObject([{ spec: { name: 'n1' }, state: 'drained', reason: 'fan' }]);
    expect(records.filter(({ event }) => event.kind === 'NodeResumed')).toEqual([]);
  });
});

describe('nodes that jobs keep off', () => {
  const spareable = (failedNodes: string[] = [], nodeCount = 2) => {
    const { request, ...rest } = job({ failedNodes });
    return [...nodes.spareable({ ...rest, request: { ...request, nodes: nodeCount } })];
  };

  it('are left out by all jobs, beside the nodes that failed them, as long as there are enough others', async () => {
    expect(spareable()).toEqual([]);
    await nodes.avoid('n4', LEMON);
    await nodes.avoid('other', LEMON);
    expect(spareable()).toEqual(['n4']);
    expect(spareable(['n1'])).toEqual(['n1', 'n4']);
    // Its own experience goes first where not both can be had.
    expect(spareable(['n1'], 3)).toEqual(['n1']);
    expect(spareable([], 3)).toEqual(['n4']);
    expect(spareable(['n1'], 4)).toEqual([]);
    expect(spareable([], 4)).toEqual([]);
  });

  it('are so until they are resumed, for which Slurm is not asked; also over restarts', async () => {
    await nodes.avoid('n4', LEMON);
    await nodes.avoid('n4', LEMON);
    expect(records.filter(({ event }) => event.kind === 'NodeAvoided')).toHaveLength(1);
    expect(nodes.views().find(({ spec }) => spec.name === 'n4')).toMatchObject({
      state: 'idle',
      reason: `jobs keep off it: ${LEMON}`,
    });
    const again = new MirrorState({ append: () => Promise.resolve() });
    for (const record of records) again.apply(record);
    expect([...again.avoided]).toEqual([['n4', LEMON]]);
    await nodes.resume('n4');
    expect(spareable()).toEqual([]);
    expect([...state.forgiven]).toEqual(['n4']);
    expect(nodes.views().find(({ spec }) => spec.name === 'n4')).toMatchObject({ reason: null });
    await expect(nodes.resume('n4')).rejects.toThrow('scontrol');
    await expect(nodes.avoid('n9', LEMON)).rejects.toThrow('no node "n9"');
  });
});
