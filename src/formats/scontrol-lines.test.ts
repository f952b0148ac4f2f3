import { describe, expect, it } from 'vitest';
import { scontrolNodes, scontrolPartitions, scontrolSettings, sprioWeights, topologyLines } from './scontrol-lines.ts';

const text = (lines: readonly string[]) => ({ name: 'shown.txt', text: `${lines.join('\n')}\n` });

describe('scontrol show config', () => {
  it('becomes the settings of a slurm.conf, without units and without what is not set', () => {
    const lines = scontrolSettings(
      text([
        'Configuration data as of 2026-11-26T16:02:27',
        'KillWait                = 30 sec',
        'OverTimeLimit           = 5 min',
        'PriorityFlags           = ',
        'PriorityDecayHalfLife   = 7-00:00:00',
        'DefMemPerNode           = UNLIMITED',
        'SchedulerParameters     = bf_interval=60,bf_continue',
        'SuspendTime             = INFINITE',
        'Licenses                = (null)',
        'SlurmctldHost[0]        = ctl1',
        '',
        'Slurmctld(primary) at ctl1 is UP',
      ]),
    );
    expect(lines.map(({ line, subject, values }) => [line, subject, values.get(subject.toLowerCase())])).toEqual([
      [2, 'KillWait', '30'],
      [3, 'OverTimeLimit', '5'],
      [5, 'PriorityDecayHalfLife', '7-00:00:00'],
      [7, 'SchedulerParameters', 'bf_interval=60,bf_continue'],
    ]);
  });
});

describe('scontrol show node', () => {
  it('is read from one line a node and from several, with blanks in values', () => {
    const block = [
      'NodeName=n1 Arch=x86_64 CoresPerSocket=32 ',
      '   CPUAlloc=0 CPUEfctv=62 CPUTot=64 CPULoad=0.00',
      '   AvailableFeatures=a100,ib',
      '   Gres=gpu:a100:8(S:0-1)',
      '   OS=Linux 5.15.0 #1 SMP Mon Jan 1 00:00:00 UTC 2024 ',
      '   RealMemory=1031000 AllocMem=0',
      '   State=IDLE+DRAIN ThreadsPerCore=2',
      '   Reason=fan State=broken [root@2026-01-01T00:00:00]',
    ];
    const whole = scontrolNodes(text(block));
    expect(whole).toEqual(
      expect.objectContaining({
        lines: [
          expect.objectContaining({
            line: 1,
            values: new Map([
              ['nodename', 'n1'],
              ['cpus', '64'],
              ['corespeccount', '1'],
              ['corespersocket', '32'],
              ['threadspercore', '2'],
              ['realmemory', '1031000'],
              ['gres', 'gpu:a100:8(S:0-1)'],
              ['features', 'a100,ib'],
            ]),
          }),
        ],
      }),
    );
    expect(scontrolNodes(text([block.map((line) => line.trim()).join(' ')])).lines).toEqual(whole.lines);
  });

  it.each([
    ['IDLE', false],
    ['MIXED+PLANNED', false],
    ['IDLE+CLOUD+POWERED_DOWN', false],
    ['ALLOCATED+DRAIN', true],
    ['DOWN*', true],
    ['DOWN*+DRAIN', true],
    ['IDLE*', true],
    ['IDLE+MAINTENANCE+RESERVED', true],
    ['MIXED+REBOOT_REQUESTED', false],
    ['DOWN+REBOOT_ISSUED', false],
    ['DOWN+DRAIN+REBOOT_ISSUED NextState=RESUME', false],
    ['MIXED+DRAIN+REBOOT_REQUESTED NextState=RESUME', false],
    ['MIXED+DRAIN+REBOOT_REQUESTED NextState=DOWN', true],
    ['MIXED+DRAIN+REBOOT_REQUESTED', true],
  ])('in state %s is out of service: %s', (state, isOut) => {
    const { lines, out } = scontrolNodes(text([`NodeName=n1 CPUTot=4 RealMemory=1 State=${state}`]));
    expect(lines).toHaveLength(1);
    expect(out.length > 0).toBe(isOut);
  });

  it('is not taken in by a reason that looks like fields', () => {
    const line =
      'NodeName=n1 CPUTot=64 RealMemory=1000 State=IDLE Reason=was swapped with NodeName=n2 State=DOWN slot=3 [root@2026-11-26T16:00:00]';
    const { lines, out } = scontrolNodes(text([line]));
    expect(lines.map(({ values }) => values.get('nodename'))).toEqual(['n1']);
    expect(out).toEqual([]);
  });

  it('keeps their weight', () => {
    const { lines } = scontrolNodes(
      text(['NodeName=n1 CPUTot=4 RealMemory=1 State=IDLE ThreadsPerCore=1 Weight=30 Owner=N/A']),
    );
    expect(lines[0]?.values.get('weight')).toBe('30');
  });

  it('passes over nodes that are not there yet', () => {
    expect(scontrolNodes(text(['NodeName=n1 CPUTot=4 State=FUTURE'])).lines).toEqual([]);
  });
});

it('scontrol show partition becomes PartitionName lines', () => {
  const [line] = scontrolPartitions(
    text([
      'PartitionName=train AllowGroups=ALL QoS=N/A DefaultTime=NONE MaxTime=2-00:00:00 Nodes=n[1-4] Default=YES PriorityTier=1 PreemptMode=OFF State=UP TRES=cpu=4',
    ]),
  );
  expect(line?.values).toEqual(
    new Map([
      ['partitionname', 'train'],
      ['allowgroups', 'ALL'],
      ['default', 'YES'],
      ['maxtime', '2-00:00:00'],
      ['nodes', 'n[1-4]'],
      ['preemptmode', 'OFF'],
      ['prioritytier', '1'],
      ['state', 'UP'],
    ]),
  );
});

it('of switches the leaves count, as scontrol shows them and as topology.conf has them', () => {
  const shown = [
    'SwitchName=leaf1 Level=0 LinkSpeed=1 Nodes=n[1-2]',
    'SwitchName=spine Level=1 LinkSpeed=1 Nodes=n[1-2] Switches=leaf1',
  ];
  expect(topologyLines(text(shown)).map(({ values }) => values.get('switchname'))).toEqual(['leaf1']);
  const written = ['# ours', 'SwitchName=leaf1 Nodes=n[1-2]', 'SwitchName=spine Switches=leaf1'];
  expect(topologyLines(text(written)).map(({ values }) => values.get('nodes'))).toEqual(['n[1-2]']);
});

it('sprio -w tells the weights', () => {
  const lines = sprioWeights(
    text([
      '          JOBID PARTITION   PRIORITY       SITE        AGE  FAIRSHARE        QOS',
      '        Weights                               1       1000     100000      20000',
    ]),
  );
  expect(lines.map(({ values }) => [...values][0])).toEqual([
    ['prioritytype', 'priority/multifactor'],
    ['priorityweightage', '1000'],
    ['priorityweightfairshare', '100000'],
    ['priorityweightqos', '20000'],
  ]);
  expect(sprioWeights(text(['Unable to find jobs matching user/id(s) specified']))).toEqual([]);
});

it('takes the blocks of topology/block for leaf switches', () => {
  const shown = [
    'BlockName=b1 BlockIndex=0 Nodes=n[1-2] BlockSize=2',
    'BlockName=b2 BlockIndex=1 Nodes=n[3-4] BlockSize=2',
    'AggregatedBlock=b[1-2] BlockIndex=2 Nodes=n[1-4] BlockSize=4',
  ];
  expect(topologyLines(text(shown)).map(({ values }) => [values.get('switchname'), values.get('nodes')])).toEqual([
    ['b1', 'n[1-2]'],
    ['b2', 'n[3-4]'],
  ]);
});
