import { describe, expect, it } from 'vitest';
import { applyToJob } from './mirror-job.ts';
import { running } from './mirror.test-support.ts';

describe('nodes that fail a job', () => {
  it('are those of the attempt that were down', () => {
    const mirror = running();
    applyToJob(
      mirror,
      { kind: 'AttemptEnded', atMs: 0, jobId: 7, attempt: 1, state: 'NODE_FAIL', exitCode: 1 },
      (nodeName) => ['n2', 'n9'].includes(nodeName),
    );
    expect(mirror.failedNodes).toEqual(['n2']);
    expect(mirror.live).toBeNull();
  });
});
