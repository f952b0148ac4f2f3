import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { layersOfStage } from './pipeline-stage.ts';

const stagesOf = (layers: number, pp: number) =>
  Array.from({ length: pp }, (_, stage) => layersOfStage(stage, pp, layers));

it.each([
  [8, 1, [8]],
  [8, 4, [2, 2, 2, 2]],
  [9, 4, [2, 3, 2, 2]],
  [10, 4, [2, 3, 3, 2]],
  [11, 4, [3, 3, 3, 2]],
  [9, 2, [5, 4]],
])('%i layers over %i stages: those that are left go to the middle first, then to the first', (layers, pp, stages) => {
  expect(stagesOf(layers, pp)).toEqual(stages);
});

it('gives every layer to one stage, and no stage more than one above another', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 130 }), fc.integer({ min: 1, max: 130 }), (layers, pp) => {
      const stages = stagesOf(layers, pp);
      expect(stages.reduce((sum, count) => sum + count, 0)).toBe(layers);
      expect(Math.max(...stages) - Math.min(...stages)).toBeLessThanOrEqual(1);
    }),
  );
});
