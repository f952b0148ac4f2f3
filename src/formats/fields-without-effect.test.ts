import { describe, expect, it } from 'vitest';
import { fieldsWithoutEffect } from './fields-without-effect.ts';
import { SLURM_CADENCE } from './slurm-times.ts';

describe('a field without effect', () => {
  it('is what only conservative passes look at, with others', () => {
    const reason = 'it is about the passes of backfillType conservative';
    const options = { bfMaxJobUser: 3, partitionJobDepth: 0, selectType: 'linear', cadence: SLURM_CADENCE } as const;
    const found = ['bfMaxJobUser', 'selectType', 'cadence'].map((key) => ({ key, reason }));
    expect(fieldsWithoutEffect(options)).toEqual(found);
    expect(fieldsWithoutEffect({ ...options, backfillType: 'easy' })).toEqual(found);
    expect(fieldsWithoutEffect({ ...options, backfillType: 'conservative' })).toEqual([]);
    expect(fieldsWithoutEffect({ selectType: 'cons_tres', cadence: null })).toEqual([]);
  });

  it('is a limit on what jobs use where nothing is counted', () => {
    const minutes = { name: 'vision', groupMinutes: { gpus: 60 } };
    const wall = { name: 'ann', account: 'vision', groupWallSeconds: 60 };
    const notCounted = 'with priority.type basic nothing is counted in it';
    const ofMinutes = { key: 'groupMinutes', reason: notCounted };
    expect(fieldsWithoutEffect({ accounts: [minutes] })).toEqual([ofMinutes]);
    expect(fieldsWithoutEffect({ priority: { type: 'basic' }, qos: [minutes, minutes], users: [wall] })).toEqual([
      ofMinutes,
      { key: 'groupWallSeconds', reason: `${notCounted}, and it is but the time limit of jobs that ask for none` },
    ]);
    expect(fieldsWithoutEffect({ priority: { type: 'multifactor' }, accounts: [minutes], users: [wall] })).toEqual([]);
    const unlimited = { name: 'normal', groupMinutes: { gpus: null }, groupWallSeconds: null };
    expect(fieldsWithoutEffect({ qos: [unlimited, { name: 'low', groupMinutes: {} }] })).toEqual([]);
  });
});
