import { describe, expect, it } from 'vitest';
import { OrreryError } from '../contract/errors.ts';
import { completePolicy } from '../scheduler/policy.ts';
import { fieldsWithoutEffect } from './fields-without-effect.ts';
import { parsePolicyFile } from './policy-file.ts';

function errorOf(yaml: string): string {
  try {
    parsePolicyFile(yaml, 'p.yaml');
  } catch (error) {
    if (error instanceof OrreryError && error.code === 'ORR_BAD_FILE') return error.message;
    throw error;
  }
  return 'no error';
}

describe('a policy file', () => {
  it('may say what becomes of what jobs ask for, and list nodes as host lists', () => {
    const { options, rules, timing } = parsePolicyFile(
      `
partitions: [{name: train, nodes: ['dgx[08-10]', n1]}]
users: [{name: root, account: root}]
timing: {launchGapSeconds: 0.002}
jobs: {exclusivePartitions: [train], isMemoryConsumed: false, defaults: {mebibytesPerCpu: 20}}
`,
      'p.yaml',
    );
    expect(options.partitions?.[0]?.nodes).toEqual(['dgx08', 'dgx09', 'dgx10', 'n1']);
    expect(timing?.launchGapMs).toBe(2);
    expect(rules).toEqual({
      isWholeNode: false,
      exclusivePartitions: ['train'],
      isMemoryConsumed: false,
      isRequeued: true,
      defaults: { cpusPerGpu: 0, mebibytesPerNode: 0, mebibytesPerCpu: 20, mebibytesPerGpu: 0 },
      partitionDefaults: {},
      cpusPerCore: 1,
    });
    expect(parsePolicyFile('schedulerType: backfill', 'p.yaml').rules).toBeNull();
  });

  it("has Slurm's words change a cadence where there is one", () => {
    const text = 'sched_interval: 300\nbf_continue: true\nbf_yield_sleep: 250000\n';
    const { options, ignored } = parsePolicyFile(`cadence: {batchSchedDelaySeconds: 5}\n${text}`, 'p.yaml');
    expect(options.cadence).toMatchObject({
      batchSchedDelaySeconds: 5,
      schedIntervalSeconds: 300,
      isBfContinued: true,
      bfYieldSleepSeconds: 0.25,
    });
    expect(ignored).toEqual([]);
    expect(parsePolicyFile(text, 'p.yaml').ignored).toHaveLength(3);
  });

  it.each([
    ['cadence: {}\nsched_interval: often', 'p.yaml:2:1 sched_interval: expected an integer >= 1, got "often"'],
    ['cadence: {}\nbf_continue: 3', 'p.yaml:2:1 bf_continue: expected true or false, got 3'],
    [
      'jobs: {exclusivePartitions: [train]}',
      'p.yaml:1:30 jobs.exclusivePartitions[0]: expected the name of a partition (there is none), got "train"',
    ],
    [
      'partitions: [{name: a}]\njobs: {partitionDefaults: {b: {cpusPerGpu: 1}}}',
      'p.yaml:2:28 jobs.partitionDefaults.b: expected the name of a partition (known are a), got "b"',
    ],
  ])('refuses %j', (text, message) => {
    expect(() => parsePolicyFile(text, 'p.yaml')).toThrow(message);
  });

  it('gives every field of the policy under its own name', () => {
    const { options, timing, ignored } = parsePolicyFile(
      `
schedulerType: backfill
backfillType: conservative
bfIntervalSeconds: 30
priority:
  type: multifactor
  weights: {age: 1000, fairshare: 10000, qos: 1e6}
  maxAgeSeconds: 604800
preempt: {type: qos, mode: requeue, exemptSeconds: 7200}
qos:
  - {name: low, priority: 0, graceSeconds: 120, preemptExemptSeconds: null}
  - {name: high, priority: 100, preempts: [low], perUser: {gpus: 64, jobs: null}, wallSecondsMax: 86400}
accounts:
  - {name: research, shares: 3}
  - {name: vision, parent: research, group: {gpus: 1024}}
users: [{name: ada, account: vision}]
partitions: [{name: learn, isDefault: true, maxTimeSeconds: 604800}]
reservations: [{name: upkeep, nodes: ['n[1-2]'], startSeconds: 3600, endSeconds: 7200.5}]
requeueBackoffSeconds: 60
timing: {launchSeconds: 0.25, killSeconds: 30}
`,
      'p.yaml',
    );
    expect(ignored).toEqual([]);
    expect(timing).toEqual({ launchMs: 250, completeMs: 0, killMs: 30_000 });
    expect(options).toEqual({
      schedulerType: 'backfill',
      backfillType: 'conservative',
      bfIntervalSeconds: 30,
      priority: {
        type: 'multifactor',
        weights: { age: 1000, fairshare: 10_000, jobSize: 0, partition: 0, qos: 1_000_000 },
        maxAgeSeconds: 604_800,
      },
      preempt: { type: 'qos', mode: 'requeue', exemptSeconds: 7200 },
      qos: [
        { name: 'low', priority: 0, graceSeconds: 120, preemptExemptSeconds: null },
        { name: 'high', priority: 100, preempts: ['low'], perUser: { gpus: 64, jobs: null }, wallSecondsMax: 86_400 },
      ],
      accounts: [
        { name: 'research', shares: 3 },
        { name: 'vision', parent: 'research', group: { gpus: 1024 } },
      ],
      users: [{ name: 'ada', account: 'vision' }],
      partitions: [{ name: 'learn', isDefault: true, maxTimeSeconds: 604_800 }],
      reservations: [
        { name: 'upkeep', nodes: ['n1', 'n2'], startMs: 3_600_000, endMs: 7_200_500, users: [], accounts: [] },
      ],
      requeueBackoffSeconds: 60,
    });
    expect(completePolicy(options).qos).toHaveLength(2);
  });

  it('takes the bounds of passes by either name, and says that they are about the passes of Slurm', () => {
    const text = 'bf_max_job_user: 3\nbfMinAgeReserveSeconds: 600\npartition_job_depth: 0\n';
    const bounds = { bfMaxJobUser: 3, bfMinAgeReserveSeconds: 600, partitionJobDepth: 0 };
    const slurms = parsePolicyFile(`backfillType: conservative\n${text}`, 'p.yaml');
    expect(slurms.options).toEqual({ backfillType: 'conservative', ...bounds });
    expect(slurms.ignored).toEqual([]);
    expect(fieldsWithoutEffect(slurms.options)).toEqual([]);
    const reason = 'it is about the passes of backfillType conservative';
    expect(fieldsWithoutEffect(parsePolicyFile(text, 'p.yaml').options)).toEqual([
      { key: 'bfMaxJobUser', reason },
      { key: 'bfMinAgeReserveSeconds', reason },
    ]);
    expect(() => parsePolicyFile('bf_max_job_part: -1\n', 'p.yaml')).toThrow(
      'p.yaml:1:1 bf_max_job_part: expected an integer >= 0, got -1',
    );
    expect(() => parsePolicyFile('bf_max_job_part: 1\nbfMaxJobPart: 1\n', 'p.yaml')).toThrow('not both');
  });

  it("takes Slurm's parameters in Slurm's units and says which change nothing", () => {
    const { options, timing, ignored } = parsePolicyFile(
      'bf_interval: 60\nbf_window: 2880\nbf_resolution: 300\nbf_max_job_test: 1000\ndefault_queue_depth: 250\nsched_interval: 60\n',
      'p.yaml',
    );
    expect(options).toEqual({
      bfIntervalSeconds: 60,
      bfWindowSeconds: 172_800,
      bfResolutionSeconds: 300,
      bfMaxJobTest: 1000,
      defaultQueueDepth: 250,
    });
    expect(timing).toBeNull();
    expect(ignored).toEqual([{ key: 'sched_interval', reason: expect.stringMatching(/cycle/) }]);
  });

  it.each([
    ['a misspelt field', 'bfMaxJobTests: 5\n', 'p.yaml:1:1 bfMaxJobTests: unknown key; did you mean "bfMaxJobTest"?'],
    ['a misspelt parameter', 'bf_windw: 5\n', 'p.yaml:1:1 bf_windw: unknown key; did you mean "bf_window"?'],
    [
      'a wrong type',
      'backfillType: eager\n',
      'p.yaml:1:1 backfillType: expected one of "easy", "conservative", got "eager"',
    ],
    ['a wrong count', 'bfMaxJobTest: 0\n', 'p.yaml:1:1 bfMaxJobTest: expected an integer > 0, got 0'],
    [
      'both names of one field',
      'bfWindowSeconds: 60\nbf_window: 1\n',
      "p.yaml:2:1 bf_window: expected bfWindowSeconds or bf_window, which is the same in Slurm's words, not both",
    ],
    [
      'an unknown QOS',
      'qos:\n  - name: high\n    preempts: [lwo]\n',
      'p.yaml:3:16 qos[0].preempts[0]: expected the name of a QOS (known are high), got "lwo"',
    ],
    [
      'an account that is given twice',
      'accounts:\n  - name: a\n  - name: a\n',
      'p.yaml:3:5 accounts[1].name: expected each name once, got "a" again',
    ],
    [
      'a user without an account',
      'users: [{name: ada, account: x}]\n',
      'p.yaml:1:21 users[0].account: expected the name of an account (there is none), got "x"',
    ],
    [
      'accounts in a ring',
      'accounts:\n  - {name: a, parent: b}\n  - {name: b, parent: a}\n',
      'p.yaml:2:15 accounts[0].parent: expected no account above itself, got "a" (and 1 more)',
    ],
    [
      'two default partitions',
      'partitions:\n  - {name: a, isDefault: true}\n  - {name: b, isDefault: true}\n',
      'p.yaml:3:15 partitions[1].isDefault: expected one default partition, got a second one',
    ],
    [
      'a reservation that ends before it begins',
      'reservations:\n  - {name: r, nodes: [n1], startSeconds: 9, endSeconds: 9}\n',
      'p.yaml:2:45 reservations[0].endSeconds: expected an end after startSeconds',
    ],
  ])('refuses %s in one line', (_, yaml, message) => {
    expect(errorOf(yaml)).toBe(message);
  });

  it('lists the known fields where none is near', () => {
    expect(errorOf('colour: red\n')).toMatch(/^p\.yaml:1:1 colour: unknown key; known are schedulerType, .*timing/);
  });
});
