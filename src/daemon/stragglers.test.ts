import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DaemonFixture } from './daemon.test-support.ts';
import { paceOf } from './stragglers.ts';

const gang = (...busySeconds: number[][]) =>
  busySeconds.map((ofRank, rank) => ({ rank, nodeName: `n${rank + 1}`, busySeconds: ofRank }));
const stragglers = (...busySeconds: number[][]) =>
  paceOf(gang(...busySeconds))
    .ranks.filter(({ isStraggler }) => isStraggler)
    .map(({ rank }) => rank);

describe('the ranks that hold up their gang', () => {
  it('are those well beyond the typical rank', () => {
    expect(stragglers([0.1], [0.1], [0.1, 0.3, 0.31], [0.1])).toEqual([2]);
    expect(stragglers([0.1], [0.25])).toEqual([1]);
    expect(stragglers([0.3], [0.1], [0.1], [0.1], [0.2])).toEqual([0, 4]);
  });

  it('are not those within the scatter, nor a step that was slow once', () => {
    expect(stragglers([0.1], [0.11], [0.115])).toEqual([]);
    expect(stragglers([0.05], [0.1], [0.15], [0.2], [0.25])).toEqual([]);
    expect(stragglers([0.1, 0.1, 2], [0.1, 0.1, 0.1])).toEqual([]);
  });

  it('cost the part of each step that the others wait', () => {
    expect(paceOf(gang([0.1], [0.1], [0.4])).waitFraction).toBeCloseTo(0.75);
    expect(paceOf(gang([0.1], [0.1], [0.11])).waitFraction).toBe(0);
  });

  it('are not known where nobody has said anything', () => {
    expect(paceOf([])).toEqual({ ranks: [], typicalSeconds: null, waitFraction: 0 });
    expect(paceOf(gang([], [0])).ranks).toEqual([]);
  });
});

describe('GET /jobs/{id}/pace', () => {
  let fixture: DaemonFixture;
  beforeAll(async () => {
    fixture = new DaemonFixture();
    await fixture.start();
  });
  afterAll(() => fixture.remove());

  it('tells it of the last steps of the last attempt', async () => {
    const line = '{\\"step\\":$i,\\"busySeconds\\":$busy}';
    const script = [
      'busy=0.9; for i in $(seq 60); do',
      `echo "${line}" >> "$ORRERY_RANK_METRICS"; done`,
      'busy=0.1; [ "$RANK" != 2 ] || busy=0.25; for i in $(seq 61 120); do',
      `echo "${line}" >> "$ORRERY_RANK_METRICS"; done`,
      'echo "{\\"step\\":121" >> "$ORRERY_RANK_METRICS"',
    ].join('\n');
    const jobId = await fixture.sh(script, { nodes: 2, tasksPerNode: 2 });
    await fixture.until(jobId, 'COMPLETED');
    const pace = await fixture.client.pace(jobId);
    expect(pace).toMatchObject({ attempt: 1, typicalSeconds: 0.1, waitFraction: 0.6 });
    expect(pace.ranks).toHaveLength(4);
    expect(pace.ranks[0]).toEqual({ rank: 2, nodeName: 'n2', busySeconds: 0.25, slowdown: 2.5, isStraggler: true });
  });

  it('is empty for a job that says nothing of its steps', async () => {
    const jobId = await fixture.sh('true');
    await fixture.until(jobId, 'COMPLETED');
    expect(await fixture.client.pace(jobId)).toEqual({ attempt: 1, ranks: [], typicalSeconds: null, waitFraction: 0 });
  });
});
