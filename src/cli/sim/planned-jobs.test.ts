import { describe, expect, it } from 'vitest';
import { parseScenarioFile } from '../../formats/scenario-file.ts';
import { addedJobs } from './added-jobs.ts';
import { timeJobs } from './planned-jobs.ts';

const HOUR_MS = 3_600_000;
const node = { name: 'n', resources: { cpus: 128, memoryBytes: 1e12, gpus: 8 }, gpuType: 'a100-80', leaf: null };

const jobsOf = (line: string) => parseScenarioFile(`jobs:\n  - {${line}}`, 's.yaml').fields.jobs ?? [];

describe('jobs that name a model', () => {
  it('run as long as the planner says, and save what the model holds', async () => {
    const [once, twice] = await Promise.all(
      ['300B', '600B'].map((tokens) =>
        timeJobs(jobsOf(`model: gpt3-175b, tokens: ${tokens}, submitHours: 0, nodes: 128`), 'rsc-phase1', 8),
      ),
    );
    const [job] = once?.jobs ?? [];
    // 6 x 175e9 x 300e9 FLOP on 1,024 A100 of 312 TFLOP/s, 40 to 65 % of it used.
    const idealHours = (6 * 175e9 * 300e9) / (1024 * 312e12) / 3600;
    expect(idealHours / (job?.hours ?? 0)).toBeGreaterThan(0.4);
    expect(idealHours / (job?.hours ?? 0)).toBeLessThan(0.65);
    expect((twice?.jobs[0]?.hours ?? 0) / (job?.hours ?? 1)).toBeCloseTo(2, 3);
    expect(job?.checkpointing).toMatchObject({ isBlocking: true, restartMs: 600_000 });
    expect(job?.checkpointing?.writeMs).toBeGreaterThan(5000);
    expect(once?.remarks[0]?.what).toMatch(/^planned: job 1, gpt3-175b on 1024 GPUs: .* days of .* s a step/);
  });

  it('go on in further jobs where they run longer than their limit', async () => {
    const spec = jobsOf(
      'name: big, model: gpt3-175b, tokens: 300B, submitHours: 2, nodes: 128, limitHours: 168, outcome: FAILED',
    );
    const { jobs: timed } = await timeJobs(spec, 'rsc-phase1', 8);
    const { jobs, names } = addedJobs(timed, [node]);
    expect(jobs.length).toBe(Math.ceil((timed[0]?.hours ?? 0) / (0.95 * 168)));
    expect(jobs.length).toBeGreaterThan(2);
    const workMs = jobs.reduce((sum, job) => sum + job.workMs, 0);
    expect(Math.abs(workMs - (timed[0]?.hours ?? 0) * HOUR_MS)).toBeLessThan(10);
    expect(jobs.map(({ outcome }) => outcome)).toEqual([...jobs.slice(1).map(() => 'COMPLETED'), 'FAILED']);
    for (const [index, job] of jobs.entries()) {
      expect(job.request.dependencies.map(({ jobId }) => jobId)).toEqual(
        index === 0 ? [] : [jobs[index - 1]?.request.jobId],
      );
      expect(names.get(job.request.jobId)).toBe(`big-${index + 1}`);
    }
  });

  it.each([
    ['model: gpt3-175b, tokens: lots, submitHours: 0, nodes: 128', 'rsc-phase1', 'jobs[0].tokens: expected tokens'],
    ['model: nonesuch, tokens: 1B, submitHours: 0, nodes: 128', 'rsc-phase1', 'nonesuch'],
    ['model: gpt3-175b, tokens: 1B, submitHours: 0, nodes: 1', 'rsc-phase1', 'does not fit in the memory of 8 GPUs'],
    ['model: gpt3-175b, tokens: 1B, submitHours: 0, nodes: 128', undefined, 'expected a cluster of the catalogue'],
  ])('are refused: %s on %s', async (line, cluster, message) => {
    await expect(timeJobs(jobsOf(line), cluster, 8)).rejects.toThrow(message);
  });

  it.each([
    ['submitHours: 0, nodes: 1', 'jobs[0].hours: expected how long it runs'],
    ['submitHours: 0, nodes: 1, model: a', 'jobs[0].tokens: expected model and tokens together'],
    ['submitHours: 0, nodes: 1, hours: 3, model: a, tokens: 1B', 'jobs[0].model: expected either hours'],
  ])('are refused by the reader: %s', (line, message) => {
    expect(() => jobsOf(line)).toThrow(message);
  });
});
