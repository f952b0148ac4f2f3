import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { completePolicy } from './policy.ts';
import { type PreemptibleJob, PreemptibleJobs } from './preemptible-jobs.ts';
import { isPreferredVictim } from './preemption.ts';
import { PreemptionRules } from './preemption-rules.ts';

const qos = [
  { name: 'low', priority: 1 },
  { name: 'mid', priority: 1, preemptExemptSeconds: 5 },
  { name: 'high', priority: 9, preempts: ['low', 'mid'] },
  { name: 'top', priority: 99, preempts: ['low', 'high'] },
];

it('knows at any time what a look at all that runs would find', () => {
  const step = fc.record({
    waitMs: fc.constantFrom(0, 0, 1000, 3000),
    /** Which of those that run ends; past their number, one starts. */
    index: fc.nat(9),
    qos: fc.constantFrom('low', 'mid', 'high'),
    nodeCount: fc.integer({ min: 1, max: 3 }),
    gpus: fc.constantFrom(1, 8),
  });
  const seen = { candidates: 0, exempt: 0, ends: 0 };
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.boolean(), fc.boolean(), (steps, isYoungestFirst, isLookedAt) => {
      const rules = new PreemptionRules(completePolicy({ preempt: { type: 'qos', exemptSeconds: 8 }, qos }));
      const jobs = new PreemptibleJobs<PreemptibleJob>(rules, isYoungestFirst);
      const running: PreemptibleJob[] = [];
      let nowMs = 0;
      for (const [number, { waitMs, index, qos: name, nodeCount, gpus }] of steps.entries()) {
        nowMs += waitMs;
        const [ending] = running.splice(index, 1);
        if (ending === undefined) {
          const preemption = rules.classOf(name, null);
          const job: PreemptibleJob = {
            jobId: ((number * 37) % 61) + 1,
            preemption,
            preemptionPriority: preemption.priority,
            startMs: nowMs,
            isRipe: false,
            isGone: false,
            nodeIndices: Array.from({ length: nodeCount }, (_, node) => node),
            perNode: { gpus, cpus: 1, memoryBytes: 1 },
          };
          running.push(job);
          jobs.started(job);
        } else {
          jobs.ended(ending);
          seen.ends += 1;
        }
        if (!isLookedAt && number < steps.length - 1) continue;
        for (const preemptor of ['low', 'high', 'top'].map((each) => rules.classOf(each, null))) {
          const victims = running.filter(({ preemption }) => rules.canPreempt(preemptor, preemption));
          const endOfExemption = ({ startMs, preemption }: PreemptibleJob) => startMs + preemption.exemptMs;
          const ripe = victims.filter((job) => endOfExemption(job) <= nowMs);
          const unripe = victims.filter((job) => endOfExemption(job) > nowMs);
          ripe.sort((a, b) => (isPreferredVictim(a, b, isYoungestFirst) ? -1 : 1));
          expect(jobs.candidates(preemptor, nowMs).takeAll()).toEqual(ripe);
          expect(jobs.outlook(preemptor, nowMs).gpus).toBe(
            ripe.reduce((sum, { nodeIndices, perNode }) => sum + nodeIndices.length * perNode.gpus, 0),
          );
          expect(jobs.outlook(preemptor, nowMs).nextMs).toBe(Math.min(Infinity, ...unripe.map(endOfExemption)));
          seen.candidates += ripe.length;
          seen.exempt += unripe.length;
        }
      }
    }),
    { numRuns: 300 },
  );
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(50);
});

it('keeps up with a stream of starts and ends', () => {
  const rules = new PreemptionRules(completePolicy({ preempt: { type: 'qos', exemptSeconds: 100 }, qos }));
  const jobs = new PreemptibleJobs<PreemptibleJob>(rules, false);
  const [preemption, preemptor] = [rules.classOf('low', null), rules.classOf('high', null)];
  const running: PreemptibleJob[] = [];
  for (let second = 0; second < 1000; second++) {
    const perNode = { gpus: 8, cpus: 1, memoryBytes: 1 };
    const job = {
      jobId: second + 1,
      preemption,
      preemptionPriority: 1,
      startMs: second * 1000,
      isRipe: false,
      isGone: false,
      nodeIndices: [0],
      perNode,
    };
    jobs.started(job);
    running.push(job);
    // Every third lives for 50 s, the others for 150.
    const ended = running.filter(({ jobId, startMs }) => startMs === (second - (jobId % 3 === 0 ? 50 : 150)) * 1000);
    for (const one of ended) {
      running.splice(running.indexOf(one), 1);
      jobs.ended(one);
    }
    const ripe = running.filter(({ startMs }) => startMs <= (second - 100) * 1000);
    expect(jobs.outlook(preemptor, second * 1000).gpus).toBe(8 * ripe.length);
    expect(jobs.candidates(preemptor, second * 1000).takeAll()).toEqual(ripe);
  }
});

it('refuses the end of what has not started, or has ended', () => {
  const rules = new PreemptionRules(completePolicy({ preempt: { type: 'qos' }, qos }));
  const jobs = new PreemptibleJobs<PreemptibleJob>(rules, false);
  const preemption = rules.classOf('low', null);
  const job = {
    jobId: 1,
    preemption,
    preemptionPriority: 1,
    startMs: 0,
    isRipe: false,
    isGone: false,
    nodeIndices: [0],
    perNode: { gpus: 1, cpus: 1, memoryBytes: 1 },
  };
  expect(() => jobs.ended(job)).toThrow('has started');
  jobs.started(job);
  jobs.ended(job);
  expect(() => jobs.ended(job)).toThrow('has not ended before');
});
