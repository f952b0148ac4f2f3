import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AVOIDED_REASON } from '../../backend/port.ts';
import { OrreryError } from '../../contract/errors.ts';
import type { HealthResult } from '../../contract/health.ts';
import type { NodeState } from '../../cluster/node.ts';
import type { NodeView } from '../../scheduler/types.ts';
import { type CheckOutcome, IdleChecks } from './idle-checks.ts';

const resources = { cpus: 1, memoryBytes: 1, gpus: 0 };
const INTERVAL_MS = 60_000;

function view(name: string, state: NodeState = 'idle'): NodeView {
  return { spec: { name, resources, gpuType: null, leaf: null }, state, free: resources, reason: null, jobIds: [] };
}

function finding(status: HealthResult['status'], message = 'smoke'): CheckOutcome {
  return { results: [{ name: 'fire', severity: 'high', status, message, durationMs: 1 }] };
}

let nowMs: number;
let nodes: NodeView[];
let asked: string[];
let mayDrain: boolean;
/** What the check of a node comes to; an Error is thrown. */
let outcomes: Map<string, CheckOutcome | null | Error>;
let checks: IdleChecks | undefined;

beforeEach(() => {
  nowMs = 1_000_000;
  nodes = [view('n1'), view('n2'), view('busy', 'allocated'), view('out', 'drained')];
  asked = [];
  mayDrain = true;
  outcomes = new Map();
  checks = undefined;
});
afterEach(async () => {
  await checks?.close();
});

const settled = () => new Promise((resolve) => setImmediate(resolve));
const set = (name: string, fields: Partial<NodeView>): void => {
  nodes = nodes.map((node) => (node.spec.name === name ? { ...node, ...fields } : node));
};

async function start(): Promise<IdleChecks> {
  checks = new IdleChecks({
    intervalMs: INTERVAL_MS,
    backend: {
      nodes: () => nodes,
      drain: async (name, reason) => {
        if (!mayDrain) throw new OrreryError('ORR_REFUSED', 'only operators drain');
        asked.push(`drain ${name}: ${reason}`);
        set(name, { state: 'drained', reason });
      },
      avoidNode: async (name, reason) => {
        asked.push(`avoid ${name}: ${reason}`);
        set(name, { reason: `${AVOIDED_REASON}${reason}` });
      },
      resumeNode: async (name) => {
        asked.push(`resume ${name}`);
        set(name, { reason: null });
      },
    },
    checkNode: async (name) => {
      asked.push(`check ${name}`);
      const outcome = outcomes.get(name) ?? finding('ok');
      if (outcome instanceof Error) throw outcome;
      return outcomes.has(name) && outcomes.get(name) === null ? null : outcome;
    },
    now: () => nowMs,
    log: { info: () => undefined, error: () => undefined },
  });
  await settled();
  return checks;
}

async function tick(afterMs: number): Promise<string[]> {
  nowMs += afterMs;
  asked = [];
  checks?.tick();
  await settled();
  return asked;
}

describe('checks of idle nodes', () => {
  it('start no node that is off to save power', async () => {
    set('n1', { isPoweredDown: true });
    await start();
    expect(asked).toEqual(['check n2']);
  });

  it('are for idle ones alone, each once in an interval', async () => {
    await start();
    expect(asked).toEqual(['check n1', 'check n2']);
    expect(await tick(INTERVAL_MS - 1)).toEqual([]);
    set('n1', { state: 'mixed' });
    set('busy', { state: 'idle' });
    expect(await tick(1)).toEqual(['check busy', 'check n2']);
  });

  it('have a node drained for what is critical, and leave it to whoever resumes it', async () => {
    outcomes.set('n1', finding('critical'));
    await start();
    expect(asked).toContain('drain n1: health: fire: smoke');
    outcomes.set('n1', finding('ok'));
    expect(await tick(INTERVAL_MS)).toEqual(['check n2']);
  });

  it('keep jobs off it where it may not be drained, say so once, and give it back when nothing is left open', async () => {
    mayDrain = false;
    outcomes.set('n1', finding('critical'));
    await start();
    expect(asked).toContain('avoid n1: health: fire: smoke');
    expect(await tick(INTERVAL_MS)).toEqual(['check n1', 'check n2']);
    outcomes.set('n1', finding('critical', 'flames'));
    expect(await tick(INTERVAL_MS)).toContain('avoid n1: health: fire: flames');
    outcomes.set('n1', finding('unknown'));
    expect(await tick(INTERVAL_MS)).toEqual(['check n1', 'check n2']);
    outcomes.set('n1', finding('ok'));
    expect(await tick(INTERVAL_MS)).toContain('resume n1');
  });

  it('leave alone what jobs keep off for another reason', async () => {
    set('n1', { reason: `${AVOIDED_REASON}lemon node: 3 tickets` });
    await start();
    expect(asked).toEqual(['check n1', 'check n2']);
  });

  it('are tried again soon where the node was taken meanwhile, and after an interval where they fail', async () => {
    outcomes.set('n1', null);
    outcomes.set('n2', new Error('srun: command not found'));
    await start();
    expect(await tick(15_000)).toEqual(['check n1']);
    expect(await tick(INTERVAL_MS - 15_000)).toContain('check n2');
  });

  it('are four at a time, and those that waited longest come first', async () => {
    nodes = Array.from({ length: 9 }, (_, index) => view(`n${index}`));
    await start();
    expect(asked).toEqual(nodes.map(({ spec }) => `check ${spec.name}`));
    await checks?.close();
    const ends: (() => void)[] = [];
    asked = [];
    checks = new IdleChecks({
      intervalMs: INTERVAL_MS,
      backend: {
        nodes: () => nodes,
        drain: () => Promise.resolve(),
        avoidNode: () => Promise.resolve(),
        resumeNode: () => Promise.resolve(),
      },
      checkNode: (name, signal) => {
        asked.push(name);
        return new Promise((resolve) => {
          ends.push(() => resolve(finding('critical')));
          signal.addEventListener('abort', () => resolve(finding('critical')));
        });
      },
      now: () => nowMs,
      log: { info: () => undefined, error: () => undefined },
    });
    checks.tick();
    expect(asked).toEqual(['n0', 'n1', 'n2', 'n3']);
    ends[1]?.();
    await settled();
    expect(asked.at(-1)).toBe('n4');
    // Closing ends those under way.
    await checks.close();
    expect(asked).toHaveLength(5);
  });
});
