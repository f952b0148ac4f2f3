import { describe, expect, it } from 'vitest';
import { parseFault } from './fault-points.ts';

describe('parseFault', () => {
  it('reads a point and a count', () => {
    expect(parseFault('launcher:claimed')).toEqual({ name: 'launcher:claimed', left: 1 });
    expect(parseFault('supervisor:claimed:12')).toEqual({ name: 'supervisor:claimed', left: 12 });
    expect(parseFault(undefined)).toBeNull();
    expect(parseFault('')).toBeNull();
  });

  it('refuses a name that is no point', () => {
    expect(() => parseFault('launcher:claimd')).toThrow('no fault point "launcher:claimd"');
  });
});
