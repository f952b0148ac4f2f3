import { describe, expect, it } from 'vitest';
import { parseHealthFile } from './health-file.ts';

describe('a file that says what a node has', () => {
  it('fills in what is left out', () => {
    const text = `
mounts:
  - path: /checkpoint
    type: nfs4
custom:
  - name: quota
    command: [/opt/site/quota, --limit, "90"]
`;
    expect(parseHealthFile(text, 'health.yaml')).toEqual({
      mounts: [{ path: '/checkpoint', type: 'nfs4', writable: false, timeoutSeconds: 5 }],
      severities: {},
      skip: [],
      custom: [{ name: 'quota', command: ['/opt/site/quota', '--limit', '90'], severity: 'low', timeoutSeconds: 10 }],
    });
    expect(parseHealthFile('{}', 'health.yaml')).toEqual({ mounts: [], severities: {}, skip: [], custom: [] });
  });

  it.each([
    ['gpus: {cuont: 8}', 'health.yaml:1:8 gpus.cuont: unknown key; did you mean "count"?'],
    ['mounts: [{path: checkpoint}]', 'health.yaml:1:11 mounts[0].path: expected an absolute path'],
    [
      'custom: [{name: a, command: echo}]',
      'health.yaml:1:20 custom[0].command: expected a list with at least 1 in it, got "echo"',
    ],
    ['xids: {79: severe}', 'health.yaml:1:8 xids.79: expected one of "high", "low", "ignored", got "severe"'],
    ['xids: {off: high}', 'health.yaml:1:8 xids.off: key: expected an XID number'],
  ])('%s', (text, message) => {
    expect(() => parseHealthFile(text, 'health.yaml')).toThrow(message);
  });
});
