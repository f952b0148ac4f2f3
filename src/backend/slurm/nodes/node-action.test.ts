import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodeNameOf, settleNode } from './node-action.ts';
import { SlurmCommands } from '../slurm-commands.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-node-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Slurm's commands, of which sinfo runs this script. */
function slurm(sinfo: string): SlurmCommands {
  writeFileSync(join(folder, 'sinfo'), `#!/bin/sh\n${sinfo}\n`, { mode: 0o755 });
  const env = { PATH: `${folder}:/usr/bin:/bin` };
  return new SlurmCommands({ host: null, socketFolder: null, env, timeoutMs: 10_000 });
}

describe("Slurm's name of a node", () => {
  const nodes = "printf 'gpu1|node-17\\ngpu2|node-18.site.org\\ncpu1.site.org|cpu1.site.org\\nv1|big\\nv2|big\\n'";
  it.each([
    ['gpu1', 'gpu1'],
    ['gpu1.site.org', 'gpu1'],
    ['node-17', 'gpu1'],
    ['NODE-18', 'gpu2'],
    ['cpu1', 'cpu1.site.org'],
    ['v2', 'v2'],
    ['big', 'big'],
    ['elsewhere', 'elsewhere'],
  ])('of host %s is %s', async (host, name) => {
    expect(await nodeNameOf(slurm(nodes), host)).toBe(name);
  });

  it('is that of the host where Slurm does not answer', async () => {
    expect(await nodeNameOf(slurm('exit 1'), 'gpu1.site.org')).toBe('gpu1.site.org');
  });
});

it('tells of a node that Slurm does not have, with no command that could not work', async () => {
  const wanted = { name: 'elsewhere', reason: 'health: broken', mark: 'health: ' };
  expect(await settleNode(slurm('true'), wanted)).toEqual({
    node: 'elsewhere',
    action: 'refused',
    message: 'Slurm has no node elsewhere: expected a NodeName of slurm.conf (--node)',
  });
});
