import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { Core } from '../scheduler/core.ts';
import type { PriorityPolicy } from '../scheduler/policy.ts';
import { runTwin } from './engine.ts';
import { ScenarioDraw } from './random-scenario.test-support.ts';
import type { RunSummary } from './scenario.ts';

const AGING: Partial<PriorityPolicy> = { type: 'multifactor', maxAgeSeconds: 600, calcPeriodSeconds: 60 };

function run(seed: number, isAging: boolean): RunSummary {
  const drawn = new ScenarioDraw(seed).scenario();
  return runTwin(isAging ? { ...drawn, policy: { ...drawn.policy, priority: AGING } } : drawn);
}

describe('cycles in which nothing can have changed', () => {
  it('come to what whole cycles come to', () => {
    const decide: unknown = Reflect.get(Core.prototype, 'decide');
    if (typeof decide !== 'function') throw new TypeError('a core decides');
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 }), fc.boolean(), (seed, isAging) => {
        const cutShort = run(seed, isAging);
        const spy = vi.spyOn(Core.prototype, 'decide').mockImplementation(function (this: Core, ...given) {
          this.touch();
          return Number(Reflect.apply(decide, this, given));
        });
        const whole = run(seed, isAging);
        spy.mockRestore();
        expect(cutShort).toEqual(whole);
      }),
      { numRuns: 500 },
    );
  });
});
