import { describe, expect, it } from 'vitest';
import { parseSprio, parseSshare } from './priority-text.ts';

describe('what sprio says', () => {
  it('is read part by part; what is not of the multifactor kinds is the job its own', () => {
    const text = [
      '345|1000|10|900|0|50|40|0|0|0|',
      '346|962|0|1000|0|0|0|50|5|4|cpu=1.50,gres/gpu=1.50',
      '346|1|0|0|0|0|0|0|0|0|',
      'sprio: noise',
      '',
    ].join('\n');
    expect([...parseSprio(text)]).toEqual([
      [345, { priority: 1000, age: 10, fairshare: 900, jobSize: 0, partition: 50, qos: 40, tres: 0, own: 0 }],
      [346, { priority: 962, age: 0, fairshare: 1000, jobSize: 0, partition: 0, qos: 0, tres: 3, own: -41 }],
    ]);
  });
});

describe('what sshare says', () => {
  it('is read with shares that are dealt out down the tree', () => {
    const text = [
      'Account|User|RawShares|NormShares|RawUsage|NormUsage|EffectvUsage|FairShare|LevelFS|GrpTRESMins|TRESRunMins',
      'root|||0.000000|23479||1.000000||||cpu=240',
      ' root|root|1|0.25|0|0.000000|0.000000|1.000000|inf||cpu=0',
      ' research||3|0.75|23479|1.000000|1.000000||0.333333||cpu=240',
      '  research|games|1|0.500000|23479|1.000000|1.000000|0.200000|0.500000||cpu=240',
      '  inner||1|0.500000|0|0.000000|0.000000||inf||cpu=0',
      '   inner|man|parent|0.500000|0|0.000000|0.000000|0.400000|inf||cpu=0',
      '',
    ].join('\n');
    expect(parseSshare(text)).toEqual([
      { account: 'root', user: 'root', billingSeconds: 0, share: 0.25, use: 0, factor: 1 },
      { account: 'research', user: 'games', billingSeconds: 23479, share: 0.375, use: 1, factor: 0.2 },
      { account: 'inner', user: 'man', billingSeconds: 0, share: 0.375, use: 0, factor: 0.4 },
    ]);
  });
});
