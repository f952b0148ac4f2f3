import { describe, expect, it } from 'vitest';
import { checkpointChoice } from './checkpoint-choice.ts';
import { parseScenarioFile } from './scenario-file.ts';

describe('scenario files', () => {
  it('say what the options of the command say', () => {
    const { base, fields } = parseScenarioFile(
      [
        'base: rsc-1.yaml',
        'title: larger',
        'cluster: rsc-phase2',
        'days: 30',
        'seed: 4',
        'set: {nodes: 2000, schedulerType: builtin}',
        'lemons: on',
        'checkpointInterval: 30m',
        'jobs: [{submitHours: 2, nodes: 128, hours: 1.5, outcome: NODE_FAIL, maxRequeues: 35}]',
      ].join('\n'),
      's.yaml',
    );
    expect(base).toBe('rsc-1.yaml');
    expect(fields).toEqual({
      title: 'larger',
      cluster: 'rsc-phase2',
      days: 30,
      seed: 4,
      set: { nodes: '2000', schedulerType: 'builtin' },
      lemons: true,
      checkpointInterval: '30m',
      jobs: [{ submitHours: 2, nodes: 128, hours: 1.5, outcome: 'NODE_FAIL', maxRequeues: 35 }],
    });
  });

  it('leave out what is not said', () => {
    expect(parseScenarioFile('workload: rsc-1', 's.yaml')).toEqual({ base: null, fields: { workload: 'rsc-1' } });
  });

  it.each([
    ['clutser: a', 's.yaml:1:1 clutser: unknown key; did you mean "cluster"?'],
    ['days: -1', 's.yaml:1:1 days: expected a number > 0 and <= 1000000000, got -1'],
    [
      'checkpointInterval: often',
      's.yaml:1:1 checkpointInterval: expected a time such as 60m, young-daly, adaptive or none',
    ],
    ['jobs: [{submitHours: 0, nodes: 0, hours: 1}]', 's.yaml:1:25 jobs[0].nodes: expected an integer > 0'],
  ])('refuse %s', (text, message) => {
    expect(() => parseScenarioFile(text, 's.yaml')).toThrow(message);
  });
});

describe('checkpoint intervals', () => {
  it('are a time, the optimum, or none', () => {
    expect(checkpointChoice('60m')).toEqual({ kind: 'fixed', intervalMs: 3_600_000 });
    expect(checkpointChoice('young-daly')).toEqual({ kind: 'young-daly' });
    expect(checkpointChoice('none')).toEqual({ kind: 'none' });
    expect(checkpointChoice('0')).toBeUndefined();
    expect(checkpointChoice('soon')).toBeUndefined();
  });
});
