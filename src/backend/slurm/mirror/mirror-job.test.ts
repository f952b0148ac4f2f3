import { describe, expect, it } from 'vitest';
import { applyToJob } from './mirror-job.ts';
import { running } from './mirror.test-support.ts';

describe('nodes that fail a job', () => {
  const lost = { kind: 'AttemptEnded', atMs: 0, jobId: 7, attempt: 1, state: 'NODE_FAIL', exitCode: 1 } as const;

  it('are those of the attempt that were down', () => {
    const mirror = running();
    applyToJob(mirror, lost, (nodeName) => ['n2', 'n9'].includes(nodeName));
    expect(mirror.failedNodes).toEqual(['n2']);
    expect(mirror.live).toBeNull();
  });

  it('are those that it was lost with, though they are not down', () => {
    const mirror = running();
    applyToJob(mirror, { ...lost, lostNodes: ['n1', 'n9'] }, () => false);
    expect(mirror.failedNodes).toEqual(['n1']);
  });
});
