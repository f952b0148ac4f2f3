import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FairShare, type FairSharePolicy } from './fair-share.ts';
import { type Attempt, naiveClassic, naiveFairTree, naiveUsage } from './fair-share.test-support.ts';
import type { Shares } from './qos-and-accounts.ts';

function policyOf(
  fairshareAlgorithm: 'fair_tree' | 'classic',
  halfLifeSeconds: number,
  rest: Partial<FairSharePolicy> = {},
): FairSharePolicy {
  return { accounts: [], users: [], priority: { fairshareAlgorithm, decayHalfLifeSeconds: halfLifeSeconds }, ...rest };
}

/** Uses exactly `usage` billing seconds in the first second. */
function use(fairShare: FairShare, account: string, user: string, usage: number): number {
  const index = fairShare.association(account, user);
  fairShare.begin(index, usage, 0);
  fairShare.end(index, usage, 1000);
  return index;
}

describe('the example of Slurm’s classic_fair_share.html', () => {
  const accounts = [
    { name: 'B', parent: 'A', shares: 30 },
    { name: 'C', parent: 'A', shares: 10 },
    { name: 'A', shares: 40 },
    { name: 'D', shares: 60 },
    { name: 'E', parent: 'D', shares: 25 },
    { name: 'F', parent: 'D', shares: 35 },
  ];
  const users = ['B', 'C', 'C', 'E', 'F'].map((account, index) => ({ name: `user${index + 1}`, account }));

  it('gives its five factors', () => {
    // The example leaves 0.3 of the use to nobody: here to somebody who has no share.
    const fairShare = new FairShare(
      policyOf('classic', 0, {
        accounts: [...accounts, { name: 'others', shares: 0 }],
        users: [...users, { name: 'other', account: 'others' }],
      }),
    );
    use(fairShare, 'B', 'user1', 20);
    use(fairShare, 'C', 'user2', 25);
    use(fairShare, 'E', 'user4', 25);
    use(fairShare, 'others', 'other', 30);
    fairShare.recalculate(1000);
    const factors = users.map(({ account, name }) => fairShare.factor(fairShare.association(account, name)));
    const published = [0.408479, 0.022097, 0.125, 0.5, 0.749154];
    for (const [index, factor] of factors.entries()) expect(factor).toBeCloseTo(published[index] ?? NaN, 4);
  });
});

describe('those that have the share of their parent', () => {
  const accounts: FairSharePolicy['accounts'] = [
    { name: 'a', shares: 2 },
    { name: 'b', shares: 'parent' },
    { name: 'c', parent: 'b', shares: 4 },
    { name: 'd' },
    { name: 'e' },
    { name: 'f', parent: 'e' },
    { name: 'g' },
  ];
  const user = (account: string, name: string, shares: Shares = 1) => ({ account, name, shares });
  const users = [
    user('root', 'root'),
    user('a', 'root'),
    user('a', 'daemon', 'parent'),
    user('a', 'bin', 'parent'),
    user('b', 'root', 3),
    user('b', 'daemon'),
    user('c', 'root', 'parent'),
    user('c', 'bin'),
    user('d', 'root', 'parent'),
    user('e', 'root'),
    user('f', 'root'),
    user('g', 'root'),
  ];
  const factorsOf = (fairShare: FairShare, uses: Readonly<Record<string, number>>) => {
    for (const [who, usage] of Object.entries(uses)) {
      const [account = '', name = ''] = who.split('/');
      use(fairShare, account, name, usage);
    }
    fairShare.recalculate(1000);
    return Object.fromEntries(
      fairShare.shares().map(({ account, user: name, factor }) => [`${account}/${name}`, factor.toFixed(6)]),
    );
  };

  it('come first in their account, and below such an account all share with its siblings, as a controller had it', () => {
    const fairShare = new FairShare(policyOf('fair_tree', 0, { accounts, users }));
    const uses = {
      'a/daemon': 98,
      'a/root': 3630,
      'b/daemon': 49,
      'b/root': 24,
      'c/bin': 14,
      'c/root': 34,
      'd/root': 74,
      'f/root': 194,
    };
    expect(factorsOf(fairShare, uses)).toEqual({
      'root/root': '1.000000',
      'a/root': '0.083333',
      'a/daemon': '0.250000',
      'a/bin': '0.250000',
      'b/root': '0.833333',
      'b/daemon': '0.583333',
      'c/root': '0.750000',
      'c/bin': '0.666667',
      'd/root': '0.500000',
      'e/root': '0.416667',
      'f/root': '0.333333',
      'g/root': '1.000000',
    });
  });

  it('have with the classic factor that of their account, as a controller had it', () => {
    const classic = users.map((one) =>
      one.account === 'b' && one.name === 'daemon' ? user('b', 'daemon', 'parent') : one,
    );
    const fairShare = new FairShare(
      policyOf('classic', 0, { accounts, users: [...classic, user('root', 'nobody', 'parent')] }),
    );
    expect(factorsOf(fairShare, { 'a/root': 0.564287, 'b/root': 0.190624, 'c/root': 0.245089 })).toMatchObject({
      'a/root': '0.078680',
      'a/daemon': '0.078680',
      'b/root': '0.564076',
      'b/daemon': '0.500000',
      'c/root': '0.575729',
      'c/bin': '0.575729',
      'd/root': '1.000000',
      'root/nobody': '0.500000',
    });
  });
});

describe('Fair Tree', () => {
  it('ranks all users of a better account before those of a worse one', () => {
    const accounts = [{ name: 'a' }, { name: 'b' }];
    const fairShare = new FairShare(policyOf('fair_tree', 0, { accounts }));
    const heavyOfA = use(fairShare, 'a', 'heavy', 40);
    const idleOfA = fairShare.association('a', 'idle');
    const heavyOfB = use(fairShare, 'b', 'heavy', 50);
    const idleOfB = fairShare.association('b', 'idle');
    fairShare.recalculate(1000);
    expect([idleOfA, heavyOfA, idleOfB, heavyOfB].map((index) => fairShare.factor(index))).toEqual([
      1, 0.75, 0.5, 0.25,
    ]);
  });

  it('gives equal users an equal rank, and the next one the rank it would have without a tie', () => {
    const fairShare = new FairShare(policyOf('fair_tree', 0));
    const first = use(fairShare, 'a', 'first', 10);
    const second = use(fairShare, 'a', 'second', 10);
    const third = use(fairShare, 'a', 'third', 20);
    fairShare.recalculate(1000);
    expect([first, second, third].map((index) => fairShare.factor(index))).toEqual([1, 1, 1 / 3]);
  });

  it('puts users without shares last, and users without use first', () => {
    const users = [
      { name: 'none', account: 'root', shares: 0 },
      { name: 'idle', account: 'root' },
      { name: 'busy', account: 'root' },
    ];
    const fairShare = new FairShare(policyOf('fair_tree', 0, { users }));
    use(fairShare, 'root', 'busy', 1);
    fairShare.recalculate(1000);
    expect(users.map(({ name }) => fairShare.factor(fairShare.association('root', name)))).toEqual([1 / 3, 1, 2 / 3]);
  });

  it('is 1 for everybody as long as nobody used anything', () => {
    const fairShare = new FairShare(policyOf('fair_tree', 0, { accounts: [{ name: 'a' }, { name: 'b' }] }));
    const indices = ['a', 'b'].flatMap((account) => ['u', 'v'].map((user) => fairShare.association(account, user)));
    fairShare.recalculate(5000);
    expect(indices.map((index) => fairShare.factor(index))).toEqual([1, 1, 1, 1]);
  });
});

describe('use', () => {
  it('fades by half in a half-life', () => {
    const fairShare = new FairShare(policyOf('fair_tree', 3600));
    const index = use(fairShare, 'a', 'u', 8);
    fairShare.recalculate(1000);
    const before = fairShare.usage(index);
    fairShare.recalculate(3_601_000);
    expect(fairShare.usage(index)).toBeCloseTo(before / 2, 9);
  });

  it('leaves no residue of rates that are fractions', () => {
    const fairShare = new FairShare(policyOf('fair_tree', 0));
    const index = fairShare.association('a', 'u');
    for (const rate of [0.1, 0.2, 0.3]) fairShare.begin(index, rate, 0);
    for (const rate of [0.3, 0.1, 0.2]) fairShare.end(index, rate, 1000);
    fairShare.recalculate(1000);
    const usage = fairShare.usage(index);
    fairShare.recalculate(1_000_000_000);
    expect(fairShare.usage(index)).toBe(usage);
  });

  it('counts nothing twice where a clock is set back', () => {
    const fairShare = new FairShare(policyOf('fair_tree', 0));
    const index = fairShare.association('a', 'u');
    fairShare.begin(index, 1, 5000);
    fairShare.recalculate(8000);
    fairShare.recalculate(6000);
    fairShare.end(index, 1, 7000);
    fairShare.recalculate(10_000);
    expect(fairShare.usage(index)).toBe(3);
  });

  it('refuses to end what has not begun', () => {
    const fairShare = new FairShare(policyOf('fair_tree', 3600));
    expect(() => fairShare.end(fairShare.association('a', 'v'), 1, 5000)).toThrow('has begun');
  });

  it.each([0, 600, 7 * 86_400])(
    'is the integral of the rates, half-life %d s, however often it is looked at',
    (halfLife) => {
      const attempt = fc.record({
        user: fc.constantFrom('u', 'v', 'w'),
        rate: fc.constantFrom(1, 8, 0.5, 2000),
        startMs: fc.integer({ min: 0, max: 10_000_000 }),
        lengthMs: fc.integer({ min: 0, max: 5_000_000 }),
      });
      fc.assert(
        fc.property(
          fc.array(attempt, { maxLength: 12 }),
          fc.array(fc.integer({ min: 0, max: 20_000_000 })),
          (shapes, looks) => {
            const fairShare = new FairShare(policyOf('classic', halfLife));
            const attempts = shapes.map(({ user, rate, startMs, lengthMs }): Attempt => {
              return { account: 'a', user, rate, startMs, endMs: startMs + lengthMs };
            });
            const steps: { atMs: number; run: () => void }[] = looks.map((atMs) => {
              return { atMs, run: () => fairShare.recalculate(atMs) };
            });
            for (const { user, rate, startMs, endMs } of attempts) {
              const index = fairShare.association('a', user);
              steps.push({ atMs: startMs, run: () => fairShare.begin(index, rate, startMs) });
              steps.push({ atMs: endMs ?? 0, run: () => fairShare.end(index, rate, endMs ?? 0) });
            }
            // Stable, so that what ends as it begins begins first.
            for (const { run } of steps.sort((a, b) => a.atMs - b.atMs)) run();
            fairShare.recalculate(20_000_000);
            for (const user of ['u', 'v', 'w']) {
              const naive = naiveUsage(
                attempts.filter((one) => one.user === user),
                halfLife,
                20_000_000,
              );
              const usage = fairShare.usage(fairShare.association('a', user));
              expect(Math.abs(usage - naive)).toBeLessThanOrEqual(1e-6 + naive * 1e-9);
            }
          },
        ),
      );
    },
  );
});

describe('factors', () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f'];
  /** Each account hangs below the root or one named before it; few distinct values, so that ties are common. */
  const trees = fc
    .array(fc.record({ parent: fc.nat(6), shares: fc.constantFrom<Shares>(0, 1, 1, 1, 2, 5, 'parent', 'parent') }), {
      minLength: 1,
      maxLength: 6,
    })
    .map((shapes) =>
      shapes.map(({ parent, shares }, index) => {
        const name = names[index] ?? '';
        return { name, parent: parent < index ? (names[parent] ?? null) : null, shares };
      }),
    );
  const userShapes = fc.array(
    fc.record({
      account: fc.nat(6),
      shares: fc.constantFrom<Shares>(0, 1, 1, 1, 3, 'parent'),
      usage: fc.constantFrom(0, 0, 10, 10, 20, 35),
    }),
    { minLength: 1, maxLength: 12 },
  );

  it.each(['fair_tree', 'classic'] as const)('are those of a naive %s', (algorithm) => {
    let tieCount = 0;
    fc.assert(
      fc.property(trees, userShapes, userShapes, (accounts, shapes, later) => {
        const users = shapes.map(({ account, shares, usage }, index) => {
          return { name: `u${index}`, account: accounts[account]?.name ?? 'root', shares, usage };
        });
        const policy = policyOf(algorithm, 0, { accounts, users });
        const fairShare = new FairShare(policy);
        // Twice, so that what is kept from one calculation to the next is put to the test.
        let nowMs = 0;
        for (const round of [shapes, later]) {
          for (const [index, { usage }] of round.slice(0, users.length).entries()) {
            const user = users[index];
            if (user === undefined) continue;
            const association = fairShare.association(user.account, user.name);
            fairShare.begin(association, usage, nowMs);
            fairShare.end(association, usage, nowMs + 1000);
          }
          nowMs += 1000;
          fairShare.recalculate(nowMs);
          const state = users.map(({ name, account, shares }) => {
            return { user: name, account, shares, usage: fairShare.usage(fairShare.association(account, name)) };
          });
          const naive = (algorithm === 'classic' ? naiveClassic : naiveFairTree)(policy, state);
          const factors = users.map(({ name, account }) => fairShare.factor(fairShare.association(account, name)));
          if (new Set(factors).size < factors.length) tieCount += 1;
          for (const [index, factor] of factors.entries()) expect(factor).toBeCloseTo(naive[index] ?? NaN, 12);
        }
      }),
      { numRuns: 500 },
    );
    expect(tieCount).toBeGreaterThan(50);
  });
});

describe('accounts', () => {
  it('may be listed in any order, and must form a tree', () => {
    const broken: [FairSharePolicy['accounts'], string][] = [
      [
        [
          { name: 'a', parent: 'b' },
          { name: 'b', parent: 'a' },
        ],
        'account a: its parents go round in a circle',
      ],
      [[{ name: 'a', parent: 'x' }], 'account a: no account x to hang below'],
      [[{ name: 'a' }, { name: 'a' }], 'account a: expected each name once'],
      [[{ name: 'a', shares: -1 }], 'shares of a: expected a number >= 0, got -1'],
    ];
    for (const [accounts, message] of broken) {
      expect(() => new FairShare(policyOf('fair_tree', 0, { accounts }))).toThrow(message);
    }
    expect(() => new FairShare(policyOf('fair_tree', 0, { users: [{ name: 'u', account: 'x' }] }))).toThrow(
      'user u: no account x',
    );
  });
});
