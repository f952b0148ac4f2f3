import { describe, expect, it } from 'vitest';
import { LoginGate } from './login-gate.ts';
import { SlurmFailure } from './slurm-failure.ts';

const denied = new SlurmFailure('login', 'squeue on login1: Permission denied (publickey): renew the key');
const reset = new SlurmFailure(
  'unreachable',
  'squeue on login1: Connection reset by 10.0.0.1 port 22',
  'Connection reset by 10.0.0.1 port 22',
);
const away = new SlurmFailure('unreachable', 'squeue on login1: Unable to contact slurm controller');

/** A gate with a clock and a login node; `calls` counts who got as far as that. */
function gateAt() {
  const world = { nowMs: 0, calls: 0, answer: async (): Promise<string> => 'yes' };
  const gate = new LoginGate(() => world.nowMs);
  const pass = () =>
    gate.pass(() => {
      world.calls += 1;
      return world.answer();
    });
  return { world, pass };
}

describe('the gate to a login node', () => {
  it('lets all through that have been let in before', async () => {
    const { world, pass } = gateAt();
    expect(await Promise.all([pass(), pass(), pass()])).toEqual(['yes', 'yes', 'yes']);
    expect(world.calls).toBe(3);
  });

  it('has the first try alone: of those that come with it none fails for itself', async () => {
    const { world, pass } = gateAt();
    world.answer = () => Promise.reject(denied);
    const ends = await Promise.allSettled([pass(), pass(), pass()]);
    expect(ends.map((end) => end.status === 'rejected' && end.reason)).toEqual([denied, denied, denied]);
    expect(world.calls).toBe(1);
  });

  it('tries no more than once in 15 s after a login that failed, and opens when it is let in', async () => {
    const { world, pass } = gateAt();
    world.answer = () => Promise.reject(denied);
    await expect(pass()).rejects.toBe(denied);
    for (world.nowMs = 1_000; world.nowMs < 60_000; world.nowMs += 1_000) await expect(pass()).rejects.toBe(denied);
    expect(world.calls).toBe(4);
    world.answer = async () => 'yes';
    world.nowMs = 80_000;
    expect(await Promise.all([pass().catch(() => 'no'), pass().catch(() => 'no')])).toEqual(['yes', 'no']);
    expect(await Promise.all([pass(), pass()])).toEqual(['yes', 'yes']);
  });

  it('takes being turned away after that for the same, and another failure for another', async () => {
    const { world, pass } = gateAt();
    world.answer = () => Promise.reject(denied);
    await expect(pass()).rejects.toBe(denied);
    world.nowMs = 20_000;
    world.answer = () => Promise.reject(reset);
    await expect(pass()).rejects.toBe(denied);
    world.nowMs = 40_000;
    world.answer = () => Promise.reject(away);
    await expect(pass()).rejects.toBe(away);
    world.answer = () => Promise.reject(reset);
    await expect(pass()).rejects.toBe(reset);
  });
});
