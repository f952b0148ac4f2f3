import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gresEntries } from '../src/formats/gres-list.ts';
import { parseHostList } from '../src/formats/host-list.ts';
import { scontrolRecords } from '../src/formats/scontrol-lines.ts';
import { parseSlurmConf, type SlurmConf } from '../src/formats/slurm-conf.ts';
import { parseDurationMs } from '../src/lib/units.ts';
import { freePorts } from './support/free-ports.ts';
import { ensureSlurm } from './support/slurm-cluster.ts';

const isThere = ensureSlurm();
const MEBI = 1024 ** 2;

/** Lines of a slurm.conf, but for what says where its controller is. */
const CONFS: readonly (readonly [string, string])[] = [
  [
    'nodes by their parts',
    `
GresTypes=gpu
NodeName=DEFAULT CPUs=8 RealMemory=1000
NodeName=q1
NodeName=DEFAULT RealMemory=2000	# a tab, and a comment
NodeName=q2 CPUs=16 Sockets=2
NodeName=q3 Sockets=2 CoresPerSocket=4 ThreadsPerCore=2
NodeName=q4 CPUs=4 Sockets=2 CoresPerSocket=4 ThreadsPerCore=2
NodeName=q5 CPUs=8 Boards=2 SocketsPerBoard=2 CoresPerSocket=4 ThreadsPerCore=1
NodeName=q6 CPUs=16 Sockets=2 CoresPerSocket=4 ThreadsPerCore=2 CoreSpecCount=1
nodename=q7 cpus=16 sockets=2 corespersocket=4 threadspercore=2 cpuspeclist=0-2
NodeName=q8 CPUs=16 CoreSpecCount=2
NodeName=q9 CPUs=10 CoresPerSocket=4
NodeName=q10 CPUs=9 ThreadsPerCore=2
NodeName=q11 CPUs=24 CoresPerSocket=8 ThreadsPerCore=2
NodeName=q12 CPUs=64 Boards=2 Sockets=2 CoresPerSocket=16
NodeName=q13 Boards=2 Sockets=4 CoresPerSocket=4 ThreadsPerCore=1
NodeName=q14 MemSpecLimit=2000
NodeName=q15 MemSpecLimit=1999 Gres=gpu:a100:4(S:0),gpu:v100:2(S:1)
NodeName=q16 Gres=gpu:a100:no_consume:2 Weight=3
NodeName=q17 \\
  Gres=gpu Weight=7
NodeName=DEFAULT Gres=gpu:1 Weight=7 MemSpecLimit=100
NodeName=q18
NodeName=q19 Weight=3 MemSpecLimit=0 Gres=gpu:1K
PartitionName=main Nodes=ALL Default=YES
`,
  ],
  [
    'host lists, sets of nodes and states',
    `
NodeName=DEFAULT CPUs=4 RealMemory=8000
NodeName=r[1-2]n[1-4] NodeAddr=127.0.1.[1-8] Feature=rack
NodeName=n[001-003,200] NodeAddr=127.0.2.[1-4] Feature=rack,fast
NodeName=down[1-2] NodeAddr=127.0.3.[1-2] State=DOWN Reason="bad DIMM 3"
NodeName=cloud1 NodeAddr=127.0.4.1 State=CLOUD
NodeName=later1 State=FUTURE
NodeSet=fast Feature=fast
NodeSet=few Nodes=r1n1,r2n[1],n200
DownNodes=r2n4 State=DRAIN
PartitionName=all Nodes=ALL Default=YES
PartitionName=sets Nodes=few,fast,r1n2
PartitionName=mixed Nodes=down[1-2],n[001-002],,r1n1,r1n1
PartitionName=quoted Nodes="cloud1,n003"
PartitionName=later Nodes=later1
PartitionName=none
`,
  ],
  [
    'partitions and what they inherit',
    `
GresTypes=gpu
NodeName=n[1-4] CPUs=8 NodeAddr=127.0.0.[1-4] Gres=gpu:8
PartitionName=DEFAULT Nodes=n1 MaxTime=10:00
PartitionName=a Default=YES
PartitionName=b Priority=5 PriorityTier=7 Default=YES
PartitionName=c PriorityJobFactor=9 Priority=5 MaxTime=1-0:0:0
PartitionName=DEFAULT PriorityTier=9 DefaultTime=2 OverTimeLimit=UNLIMITED
PartitionName=d Priority=5 Shared=NO
PartitionName=e PriorityJobFactor=3 MaxTime=90:00 OverTimeLimit=7
PartitionName=f MaxTime=2-12 DefaultTime=0-1 MinNodes=0
PartitionName=g MaxTime=-1 DefaultTime=1:2:3 MinNodes=2 MaxNodes=3
PartitionName=h MaxTime=1-00:00 DefaultTime=30:30 OverSubscribe=Exclusive
PartitionName=i MaxTime=2:00:00 DefaultTime=3:00:00 MaxNodes=UNLIMITED
PartitionName=j MaxTime=1:30 OverSubscribe=FORCE:4 LLN=YES ExclusiveUser=YES
PartitionName=n MaxTime=10 DefaultTime=UNLIMITED
PartitionName=o MaxTime=UNLIMITED DefaultTime=UNLIMITED
PartitionName=DEFAULT Priority=4 MaxTime=INFINITE
PartitionName=k PriorityTier=7
PartitionName=l State=DOWN
PartitionName=m state=up shared=exclusive
`,
  ],
];

const COMMON = `
ClusterName=readings
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
PrivateData=cloud
`;

describe.skipIf(!isThere)('a slurm.conf', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'orrery-readings-'));
  const socket = join(scratch, 'munge.socket');
  let munged: ChildProcess;
  beforeAll(async () => {
    const key = join(scratch, 'munge.key');
    writeFileSync(key, randomBytes(128), { mode: 0o600 });
    const files = ['pid', 'log', 'seed'].map((kind) => `--${kind}-file=${join(scratch, `munged.${kind}`)}`);
    const args = ['--foreground', '--force', `--key-file=${key}`, `--socket=${socket}`, ...files];
    munged = spawn('/usr/sbin/munged', args, { stdio: 'ignore' });
    while (!existsSync(socket)) await sleep(50);
  });
  afterAll(async () => {
    await ended(munged, 'SIGTERM');
    rmSync(scratch, { recursive: true, force: true });
  });

  it.each(CONFS)(
    'has the nodes and partitions that a controller makes of it: %s',
    async (name, lines) => {
      const folder = join(scratch, name.replaceAll(' ', '-'));
      mkdirSync(join(folder, 'state'), { recursive: true });
      const text = `${COMMON}${lines}`;
      const shown = await shownBy(folder, text, socket);
      const conf = parseSlurmConf({ conf: { name: 'slurm.conf', text } });
      const up = new Set(conf.nodes.map((node) => node.name));
      const real = nodesOf(shown.nodes);
      // Those that are out of service are left out, and told.
      expect([...real.keys()].filter((node) => !up.has(node))).toEqual([...real.keys()].filter((node) => isOut(node)));
      expect(ours(conf)).toEqual(new Map([...real].filter(([node]) => up.has(node))));
      expect(ourPartitions(conf)).toEqual(partitionsOf(shown.partitions, up));
    },
    180_000,
  );
});

const isOut = (node: string) => /^down|^later|^r2n4$/.test(node);

/** What `scontrol` shows of a controller with this configuration, on nodes that are not there. */
async function shownBy(folder: string, text: string, socket: string): Promise<{ nodes: string; partitions: string }> {
  const conf = join(folder, 'slurm.conf');
  const [port = 0, nodePort] = await freePorts(2);
  const user = userInfo().username;
  const place = [
    `SlurmctldHost=${hostname().split('.')[0]}(127.0.0.1)`,
    `SlurmctldPort=${port}`,
    `SlurmdPort=${nodePort}`,
    `SlurmUser=${user}`,
    'AuthType=auth/munge',
    `AuthInfo=socket=${socket}`,
    `StateSaveLocation=${folder}/state`,
    `SlurmctldPidFile=${folder}/slurmctld.pid`,
    `SlurmctldLogFile=${folder}/slurmctld.log`,
    'ProctrackType=proctrack/linuxproc',
    'MpiDefault=none',
  ];
  // Nodes of a cloud need a program that starts them.
  const power = ['SuspendProgram=/bin/true', 'ResumeProgram=/bin/true', 'SuspendTime=600'];
  const all = text.includes('State=CLOUD') ? [...place, ...power] : place;
  // So that no name of a node has to be found.
  const addressed = text.replace(/^(nodename=q\d+)/gim, '$1 NodeAddr=127.0.0.1');
  writeFileSync(conf, `${addressed}${all.join('\n')}\n`);
  const env = { ...process.env, SLURM_CONF: conf };
  const controller = spawn('/usr/sbin/slurmctld', ['-D', '-f', conf], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  controller.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  try {
    while (!/is UP/.test(spawnSync('/usr/bin/scontrol', ['ping'], { env, encoding: 'utf8' }).stdout)) {
      if (controller.exitCode !== null)
        throw new Error(
          `slurmctld ended: ${said
            .match(/(?:fatal|error): .*/g)
            ?.slice(-3)
            .join('; ')}`,
        );
      await sleep(100);
    }
    const show = (what: string) =>
      execFileSync('/usr/bin/scontrol', ['show', '-a', what], {
        env,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      });
    return { nodes: show('node'), partitions: show('partition') };
  } finally {
    await ended(controller, 'SIGKILL');
  }
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((done) => child.once('exit', done));
  child.kill(signal);
  await exit;
}

function nodesOf(text: string) {
  return new Map(
    scontrolRecords(text, 'NodeName').map(({ fields }) => {
      const number = (key: string) => Number(fields.get(key) ?? 0);
      const gpus = gresEntries(fields.get('gres') ?? '').filter((entry) => entry.name === 'gpu');
      const of = {
        cpus: number('cpuefctv'),
        memoryBytes: (number('realmemory') - number('memspeclimit')) * MEBI,
        gpus: gpus.reduce((sum, { count }) => sum + (count ?? 0), 0),
        weight: number('weight'),
      };
      return [fields.get('nodename') ?? '', of] as const;
    }),
  );
}

function ours({ nodes }: SlurmConf) {
  return new Map(nodes.map(({ name, resources, weight = 1 }) => [name, { ...resources, weight }] as const));
}

function partitionsOf(text: string, up: ReadonlySet<string>) {
  const seconds = (value = '') => (/^(?:UNLIMITED|NONE)$/.test(value) ? null : (parseDurationMs(value) ?? 0) / 1000);
  return new Map(
    scontrolRecords(text, 'PartitionName')
      .filter(({ fields }) => fields.get('state') === 'UP')
      .map(({ fields }) => {
        const number = (key: string) => Number(fields.get(key));
        const nodes = (fields.get('nodes') ?? '') === '(null)' ? [] : (parseHostList(fields.get('nodes') ?? '') ?? []);
        const over = fields.get('overtimelimit') ?? '';
        const of = {
          nodes: nodes.filter((node) => up.has(node)).toSorted(),
          isDefault: fields.get('default') === 'YES',
          tier: number('prioritytier'),
          factor: number('priorityjobfactor'),
          maxTime: seconds(fields.get('maxtime')),
          defaultTime: seconds(fields.get('defaulttime')),
          minNodes: Math.max(1, number('minnodes')),
          maxNodes: fields.get('maxnodes') === 'UNLIMITED' ? null : number('maxnodes'),
          overTime: over === 'NONE' ? undefined : over === 'UNLIMITED' ? null : Number(over) * 60,
          isExclusive: fields.get('oversubscribe') === 'EXCLUSIVE',
        };
        return [fields.get('partitionname') ?? '', of] as const;
      }),
  );
}

function ourPartitions({ nodes, policy, rules }: SlurmConf) {
  const all = nodes.map(({ name }) => name);
  return new Map(
    (policy.partitions ?? []).map((partition) => {
      const of = {
        nodes: [...(partition.nodes ?? all)].toSorted(),
        isDefault: partition.isDefault,
        tier: partition.priorityTier ?? 1,
        factor: partition.priorityJobFactor ?? 1,
        maxTime: partition.maxTimeSeconds ?? null,
        defaultTime: partition.defaultTimeSeconds ?? null,
        minNodes: partition.minNodes ?? 1,
        maxNodes: partition.maxNodes ?? null,
        overTime: partition.overTimeSeconds,
        isExclusive: rules.exclusivePartitions.includes(partition.name),
      };
      return [partition.name, of] as const;
    }),
  );
}
