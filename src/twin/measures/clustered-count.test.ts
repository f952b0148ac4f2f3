import { describe, expect, it } from 'vitest';
import { Random } from '../../lib/random.ts';
import { ClusteredCount, clusteredInterval } from './clustered-count.ts';
import { poissonInterval } from './poisson-interval.ts';

describe('a count of failures', () => {
  it('has the exact interval where each has its own cause', () => {
    const alone = new ClusteredCount();
    for (let index = 0; index < 10; index++) alone.add(index % 2 === 0 ? null : {});
    expect([alone.count, alone.independent]).toEqual([10, 10]);
    // Half of chi-square at 5 % with 20 and at 95 % with 22 degrees of freedom (NIST/SEMATECH e-Handbook, 1.3.6.7.4).
    const { low, high } = clusteredInterval(10, 10);
    expect(low).toBeCloseTo(10.851 / 2, 3);
    expect(high).toBeCloseTo(33.924 / 2, 3);
    expect(clusteredInterval(0, 0)).toEqual(poissonInterval(0, 0.9));
    expect(clusteredInterval(0, 0).high).toBeCloseTo(-Math.log(0.05), 9);
  });

  it('counts what one cause did as little more than one', () => {
    const one = {};
    const together = new ClusteredCount();
    for (let index = 0; index < 8; index++) together.add(one);
    expect([together.count, together.independent]).toEqual([8, 1]);
    for (let index = 0; index < 8; index++) together.add({});
    expect(together.independent).toBeCloseTo(16 ** 2 / (64 + 8), 12);
  });

  it('lies around the mean in nine of ten cases, in clusters as well as one by one', () => {
    const random = new Random(7);
    const covered = { clustered: 0, asIfAlone: 0 };
    const trials = 2000;
    for (let trial = 0; trial < trials; trial++) {
      const count = new ClusteredCount();
      // A Poisson process of 20 causes in the mean; each third ends eight jobs, the others one: a mean of 200 / 3.
      for (let at = -Math.log(1 - random.nextUniform()); at < 20; at -= Math.log(1 - random.nextUniform())) {
        const cause = {};
        const jobs = random.nextUniform() < 1 / 3 ? 8 : 1;
        for (let job = 0; job < jobs; job++) count.add(cause);
      }
      const mean = 200 / 3;
      const isWithin = ({ low, high }: { low: number; high: number }) => low <= mean && mean <= high;
      if (isWithin(clusteredInterval(count.count, count.independent))) covered.clustered += 1;
      if (isWithin(poissonInterval(count.count, 0.9))) covered.asIfAlone += 1;
    }
    expect(covered.clustered / trials).toBeGreaterThan(0.86);
    expect(covered.clustered / trials).toBeLessThan(0.96);
    expect(covered.asIfAlone / trials).toBeLessThan(0.6);
  });
});
