import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { HEALTH_OCCASIONS, type HealthResult, healthExpectationSchema, NO_EXPECTATION } from '../contract/health.ts';
import { parseHealthFile } from '../formats/health-file.ts';
import { type Check, ok } from './check.ts';
import { thisMachine } from './machine.ts';
import { runChecks, worst } from './run-checks.ts';
import { allChecks, chosenChecks } from './suite.ts';
import { xidNumbers, xidSeverity } from './xid-table.ts';
import { drainReason, exitStatus, isWell } from './verdict.ts';

const custom = (name: string, script: string, more: object = {}) => ({
  name,
  command: ['/bin/sh', '-c', script],
  ...more,
});
const expectation = (input: object) => healthExpectationSchema.parse(input);

async function run(input: object, occasion: (typeof HEALTH_OCCASIONS)[number] | null = null) {
  const expect = expectation(input);
  const names = expect.custom.map(({ name }) => name);
  const checks = chosenChecks(expect, { occasion }).filter(({ name }) => names.includes(name));
  return await runChecks({ checks, machine: thisMachine(), expect, occasion, node: 'n1' });
}

describe('the suite', () => {
  it('has the high severities of the paper', () => {
    // Kokolis et al., HPCA 2025: GPU not accessible, NVLink, uncorrectable ECC, failed row remaps, PCIe or IB link, block device, missing mount.
    const high = allChecks(NO_EXPECTATION).flatMap(({ name, severity }) => (severity === 'high' ? [name] : []));
    expect(high.sort()).toEqual([
      'block-devices',
      'gpu-access',
      'gpu-count',
      'gpu-ecc',
      'gpu-pcie',
      'gpu-row-remap-failed',
      'gpu-xid',
      'host-ecc',
      'ib-links',
      'ib-rate',
      'mounts',
      'nvlink-errors',
      'nvlink-state',
      'nvswitch-sxid',
      'pcie-errors',
    ]);
  });

  it('gives every check a name of its own, and says what it finds and reads', () => {
    const checks = allChecks(NO_EXPECTATION);
    expect(new Set(checks.map(({ name }) => name)).size).toBe(checks.length);
    for (const { finds, reads } of checks) expect([finds, reads].every((text) => text.length > 3)).toBe(true);
  });

  it('runs what is high before a job, and the rest after it', () => {
    const names = (occasion: 'prolog' | 'epilog' | null) =>
      chosenChecks(NO_EXPECTATION, { occasion }).map(({ name }) => name);
    expect(names('prolog')).toContain('mounts');
    expect(names('prolog')).not.toContain('zombies');
    expect(names('epilog')).toContain('zombies');
    expect(names(null)).toHaveLength(allChecks(NO_EXPECTATION).length);
  });

  it('does as the site says: other severities, skipped checks, occasions', () => {
    const site = expectation({
      severities: { 'disk-space': 'high' },
      skip: ['gpu-pcie'],
      custom: [custom('quota', 'true', { runsAs: ['prolog'] })],
    });
    const prolog = chosenChecks(site, { occasion: 'prolog' }).map(({ name }) => name);
    expect(prolog).toEqual(expect.arrayContaining(['disk-space', 'quota']));
    expect(prolog).not.toContain('gpu-pcie');
    expect(chosenChecks(site, { occasion: 'epilog' }).map(({ name }) => name)).not.toContain('quota');
    expect(chosenChecks(site, { occasion: null, names: ['gpu-pcie'] })).toHaveLength(1);
  });

  it('refuses names that are not there, and names that are taken', () => {
    const choose = (input: object, names?: string[]) => () =>
      chosenChecks(expectation(input), { occasion: null, names });
    expect(choose({}, ['gpu-cuont'])).toThrow('--checks: no check "gpu-cuont"; orrery health list shows them');
    expect(choose({ skip: ['nothing'] })).toThrow('skip: no check "nothing"');
    expect(choose({ severities: { nothing: 'high' } })).toThrow('severities: no check "nothing"');
    expect(choose({ custom: [custom('mounts', 'true')] })).toThrow(
      'custom check "mounts": there is a check of this name already',
    );
  });
});

describe('docs/guides/health.md', () => {
  const guide = readFileSync(join(import.meta.dirname, '../../docs/guides/health.md'), 'utf8');

  it('has every check with its severity', () => {
    const rows = [...guide.matchAll(/^\| `([a-z-]+)` \| (high|low) \|/gm)].map(
      ([, name, severity]) => `${name} ${severity}`,
    );
    expect(rows.sort()).toEqual(
      allChecks(NO_EXPECTATION)
        .map(({ name, severity }) => `${name} ${severity}`)
        .sort(),
    );
  });

  it.each([
    ['high', 'high'],
    ['low', 'low'],
    ['none', 'application'],
  ])('has every XID in the row of its severity: %s', (row, severity) => {
    // 144 to 150 and 154 are of either, by what the driver says.
    const isOfEither = (xid: number) => (xid >= 144 && xid <= 150) || xid === 154;
    const [, cell = ''] = new RegExp(`^\\| ${row} \\| ([^|]*\\d[^|]*) \\|`, 'm').exec(guide) ?? [];
    const numbers = [...cell.matchAll(/(\d+) to (\d+)|\d+/g)].flatMap(([text, first, last]) =>
      first === undefined ? [Number(text)] : xidNumbers().filter((xid) => xid >= Number(first) && xid <= Number(last)),
    );
    const expected = xidNumbers().filter((xid) => xidSeverity(xid) === severity && !isOfEither(xid));
    expect(numbers.filter((xid) => !isOfEither(xid)).sort((a, b) => a - b)).toEqual(expected);
  });

  it('has an example that is taken, with every field', () => {
    const example = /```yaml\n([^]*?)```/.exec(guide)?.[1] ?? '';
    const read = parseHealthFile(example, 'health.yaml');
    expect(Object.keys(read).sort()).toEqual(Object.keys(healthExpectationSchema.shape).sort());
    expect(allChecks(read).at(-1)?.name).toBe('scratch-quota');
  });
});

describe("checks of the site's own", () => {
  it('count by exit status and first line', async () => {
    const { results, status } = await run({
      custom: [
        custom('zero', 'echo fine; echo more'),
        custom('one', 'echo "getting worse"; exit 1'),
        custom('two', 'echo broken >&2; exit 2', { severity: 'high' }),
        custom('three', 'exit 3'),
        custom('other', 'echo odd; exit 77'),
        custom('killed', 'kill -9 $$'),
        { name: 'missing', command: ['/no/such/check'] },
        custom('hung', 'sleep 600', { timeoutSeconds: 0.3 }),
      ],
    });
    expect(results.map((result) => `${result.name} ${result.status} ${result.severity}: ${result.message}`)).toEqual([
      'zero ok low: fine',
      'one warning low: getting worse',
      'two critical high: broken',
      'three unknown low: exit status 3',
      'other unknown low: odd',
      'killed unknown low: ended by SIGKILL',
      'missing unknown low: there is no program /no/such/check',
      'hung critical low: no answer within 0.3 s',
    ]);
    expect(status).toBe('critical');
  });
});

describe('what follows from the results', () => {
  const result = (name: string, status: HealthResult['status'], severity: HealthResult['severity']): HealthResult => ({
    name,
    status,
    severity,
    message: `${name} is ${status}`,
    durationMs: 0,
  });
  const report = (...results: HealthResult[]) => ({ results, status: worst(results.map(({ status }) => status)) });
  const statuses = (...results: HealthResult[]) =>
    [null, ...HEALTH_OCCASIONS].map((occasion) => exitStatus(report(...results), occasion)).join(' ');

  it("is an exit status: Nagios's, and for Slurm only where the node is to be taken out", () => {
    expect(statuses()).toBe('0 0 0 0 0');
    expect(statuses(result('a', 'skipped', 'high'), result('b', 'ok', 'low'))).toBe('0 0 0 0 0');
    expect(statuses(result('a', 'warning', 'high'))).toBe('1 0 0 1 1');
    expect(statuses(result('a', 'unknown', 'high'))).toBe('3 0 0 3 3');
    expect(statuses(result('a', 'critical', 'low'))).toBe('2 0 2 2 2');
    expect(statuses(result('a', 'critical', 'high'), result('b', 'unknown', 'low'))).toBe('2 2 2 2 2');
  });

  it('is a reason to drain for what is critical, high first', () => {
    expect(drainReason(report(result('a', 'warning', 'high')))).toBeNull();
    expect(drainReason(report(result('a', 'critical', 'low'), result('b', 'critical', 'high')))).toBe(
      'health: b: b is critical; a: a is critical',
    );
    const long = drainReason(
      report(...Array.from({ length: 40 }, (_, index) => result(`check-${index}`, 'critical', 'low'))),
    );
    expect(long?.length).toBe(240);
  });

  it('is no node given back while something is left open', () => {
    expect(isWell(report(result('a', 'warning', 'high')))).toBe(true);
    expect(isWell(report(result('a', 'ok', 'high'), result('b', 'unknown', 'low')))).toBe(false);
  });
});

it('takes a check that throws for unknown', async () => {
  const broken: Check = {
    name: 'broken',
    severity: 'high',
    finds: '',
    reads: '',
    run: () => Promise.reject(new Error('no\nway')),
  };
  const fine: Check = { ...broken, name: 'fine', run: async () => ok('well') };
  const input = { machine: thisMachine(), expect: NO_EXPECTATION, occasion: null, node: 'n1' };
  const { results } = await runChecks({ ...input, checks: [broken, fine] });
  expect(results.map(({ status, message }) => `${status}: ${message}`)).toEqual([
    'unknown: the check failed: no',
    'ok: well',
  ]);
});
