import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { type HealthExpectation, NO_EXPECTATION } from '../contract/health.ts';
import { INFINIBAND_CHECKS } from './infiniband-checks.ts';
import { parseIbstat, parseSysfsPort } from './infiniband.ts';
import { type Machine, thisMachine } from './machine.ts';
import { recorded } from './recorded.test-support.ts';
import { runChecks } from './run-checks.ts';

const folder = mkdtempSync(join(tmpdir(), 'orrery-ib-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function run(machine: Machine, infiniband: HealthExpectation['infiniband']): Promise<string[]> {
  const expectation = { ...NO_EXPECTATION, infiniband };
  const report = await runChecks({
    checks: INFINIBAND_CHECKS,
    machine,
    expect: expectation,
    occasion: null,
    node: 'n1',
  });
  return report.results.map(({ status, message }) => `${status}: ${message}`);
}

describe('ibstat as recorded', () => {
  it('is read also where it broke off', () => {
    const ports = parseIbstat(recorded('ibstat-a100.txt') + recorded('ibstat-a100-stderr.txt'));
    expect(ports).toHaveLength(8);
    expect(ports?.[7]).toEqual({
      name: 'mlx5_7/1',
      state: 'Active',
      physicalState: 'LinkUp',
      gigabitsPerSecond: 200,
      isInfiniBand: true,
    });
  });

  it('shows a port that is down', () => {
    expect(
      parseIbstat(recorded('ibstat-down.txt'))?.map(({ name, state, physicalState }) => [name, state, physicalState]),
    ).toEqual([
      ['mlx4_0/1', 'Active', 'LinkUp'],
      ['mlx4_0/2', 'Down', 'Polling'],
    ]);
  });

  it('is taken for nothing else', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(parseIbstat(text)).toBeNull();
      }),
    );
  });
});

describe('the files of /sys/class/infiniband', () => {
  // Contents as in leptonai/gpud, components/accelerator/nvidia/infiniband/class/testdata/sys-class-infiniband-h100.0.
  const H100 = { state: '4: ACTIVE', physicalState: '5: LinkUp', rate: '400 Gb/sec (4X NDR)', linkLayer: 'InfiniBand' };

  it('are read as ibstat writes them', () => {
    expect(parseSysfsPort('mlx5_0/1', H100)).toEqual({
      name: 'mlx5_0/1',
      state: 'Active',
      physicalState: 'LinkUp',
      gigabitsPerSecond: 400,
      isInfiniBand: true,
    });
    fc.assert(
      fc.property(fc.string(), (text) => {
        const port = parseSysfsPort('x/1', { state: text, physicalState: text, rate: text, linkLayer: text });
        expect(port === null || /^\d+: \w/.test(text)).toBe(true);
      }),
    );
  });

  /** A machine with eight InfiniBand adapters and one of Ethernet, in a folder of its own. */
  function machineWith(changes: Record<number, Partial<typeof H100>>): Machine {
    const root = mkdtempSync(join(folder, 'root-'));
    for (let index = 0; index <= 8; index += 1) {
      const name = index === 8 ? 'mlx5_bond_0' : `mlx5_${index}`;
      const port = join(root, 'sys/class/infiniband', name, 'ports/1');
      mkdirSync(port, { recursive: true });
      const files = {
        ...H100,
        ...(index === 8 && { linkLayer: 'Ethernet', rate: '100 Gb/sec (2X HDR)' }),
        ...changes[index],
      };
      writeFileSync(join(port, 'state'), `${files.state}\n`);
      writeFileSync(join(port, 'phys_state'), `${files.physicalState}\n`);
      writeFileSync(join(port, 'rate'), `${files.rate}\n`);
      writeFileSync(join(port, 'link_layer'), `${files.linkLayer}\n`);
    }
    return thisMachine({ root });
  }

  it('of a healthy node', async () => {
    expect(await run(machineWith({}), { ports: 8, gigabitsPerSecond: 400 })).toEqual([
      'ok: 8 InfiniBand ports are active',
      'ok: 400 Gb/s on 8 ports',
    ]);
  });

  it('of a port that is down and one that is slow', async () => {
    const machine = machineWith({
      3: { state: '1: DOWN', physicalState: '3: Disabled', rate: '10 Gb/sec (4X SDR)' },
      5: { rate: '200 Gb/sec (4X HDR)' },
    });
    expect(await run(machine, undefined)).toEqual([
      'critical: 7 of 8 InfiniBand ports are active: mlx5_3/1 Down/Disabled',
      'critical: expected 400 Gb/s: mlx5_5/1 200 Gb/s',
    ]);
    // Seven are enough where seven are expected.
    expect((await run(machine, { ports: 7 }))[0]).toBe('ok: 7 InfiniBand ports are active');
  });

  it('of a port whose state nobody understands', async () => {
    expect((await run(machineWith({ 2: { state: 'whatever' } }), undefined))[0]).toMatch(
      /^unknown: the state of mlx5_2/,
    );
  });

  it('that are not there', async () => {
    const machine = thisMachine({ root: mkdtempSync(join(folder, 'none-')) });
    expect(await run(machine, undefined)).toEqual(['skipped: no InfiniBand', 'skipped: no InfiniBand']);
    expect((await run(machine, { ports: 8 }))[0]).toBe('critical: 0 of 8 InfiniBand ports are there');
  });
});
