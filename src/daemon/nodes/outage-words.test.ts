import { describe, expect, it } from 'vitest';
import { LEMON_SIGNALS } from '../../scheduler/lemon-history.ts';
import { lemonWords, nodeOutageOf } from './outage-words.ts';

describe('why a node gets no jobs, in words', () => {
  const words = (state: Parameters<typeof nodeOutageOf>[0]['state'], reason: string | null) => {
    const outage = nodeOutageOf({ state, reason });
    return outage && `${outage.cause}: s1 ${outage.words}`;
  };

  it('is nothing for one in service', () => {
    expect(words('idle', null)).toBeNull();
    expect(words('mixed', 'left from before')).toBeNull();
  });

  it('is its health', () => {
    expect(words('drained', 'health: gpu-count: expected 8 GPUs, found 7')).toBe(
      'health: s1 is out after a failed health check: gpu-count: expected 8 GPUs, found 7',
    );
    expect(words('draining', 'Prolog error')).toBe('health: s1 is out because its prolog failed');
    expect(words('drained', 'Epilog error')).toBe('health: s1 is out because its epilog failed');
  });

  it('is that it is a lemon, drained or kept off', () => {
    expect(words('draining', 'lemon node: 4 gangs lost')).toBe('lemon: s1 is out as a lemon: 4 gangs lost');
    expect(words('idle', 'jobs keep off it: lemon node: 4 gangs lost')).toBe(
      'lemon: s1 is a lemon that our jobs keep off: 4 gangs lost',
    );
  });

  it('is what somebody said', () => {
    expect(words('drained', 'new fan')).toBe('other: s1 is drained: new fan');
    expect(words('down', 'Not responding')).toBe('down: s1 is down: Not responding');
    expect(words('down', null)).toBe('down: s1 is down');
  });
});

it('the signals that speak against a lemon are told in words', () => {
  const evidence = LEMON_SIGNALS.map((signal, index) => {
    return { signal, value: signal.endsWith('rate') ? 0.25 : index + 1, threshold: 1, isExceeded: index !== 2 };
  });
  expect(lemonWords(evidence)).toBe(
    '1 job keeps off it, 2 kinds of XID errors, 4 times out of service, 5 gangs lost, 6 jobs of its own lost, 25 % of its own jobs lost',
  );
});
