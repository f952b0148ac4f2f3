import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { toJobRequest } from '../../../contract/job-request.ts';
import { jobSpecSchema } from '../../../contract/job.ts';
import { eachTask } from '../output/array-tasks.ts';
import { Cancels } from './cancels.ts';
import { PATIENCE_MS } from '../mirror/finding.ts';
import { MirrorState } from '../mirror/mirror-state.ts';
import { slurm } from '../mirror/mirror.test-support.ts';
import { PendingUpdates } from './pending-updates.ts';
import { SlurmCommands } from '../slurm-commands.ts';

let folder = '';
let commands: SlurmCommands;
let nowMs = 0;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-cancels-'));
  for (const program of ['scancel', 'scontrol']) {
    const text = `#!/bin/sh\necho ${program} "$@" >> '${folder}/called'\n`;
    writeFileSync(join(folder, program), text, { mode: 0o755 });
  }
  for (const number of [90, 93]) writeFileSync(join(folder, String(number)), 'sweep|/folder\n');
  writeFileSync(join(folder, 'squeue'), `#!/bin/sh\ncat '${folder}'/"\${3#--jobs=}"\n`, { mode: 0o755 });
  nowMs = 1_000_000;
  const env = { PATH: `${folder}:/usr/bin:/bin` };
  commands = new SlurmCommands({ host: null, socketFolder: null, env, timeoutMs: 10_000 });
});
afterEach(() => rmSync(folder, { recursive: true }));

const log = { info: () => undefined, error: () => undefined };
const now = () => nowMs;

/** Since it was asked last. */
function called(): string[] {
  const path = join(folder, 'called');
  const lines = existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n') : [];
  rmSync(path, { force: true });
  return lines.sort();
}

const waiting = () => eachTask(slurm({ slurmJobId: 90, arrayJobId: 90, arrayTasks: '4-6,9%3', name: 'sweep' }));
const split = (slurmJobId: number, arrayTaskId: number) =>
  slurm({ slurmJobId, arrayJobId: 90, arrayTaskId, name: 'sweep' });

describe('jobs of Slurm that are cancelled', () => {
  it('are named, by numbers that mean no other, in one call where they have one name', async () => {
    const cancels = new Cancels({ commands, now, log });
    expect(await cancels.make([slurm(), split(91, 2), split(90, 9), split(91, 2)])).toBe(false);
    expect(called()).toEqual(['scancel --name=sweep 91 90_9', 'scancel --name=x.orrery-0a1b2c3d-7-1 50']);
  });

  it('are left alone for a while then, and not before, however soon that is after the start', async () => {
    nowMs = 1;
    const cancels = new Cancels({ commands, now, log });
    for (const passedMs of [0, PATIENCE_MS.cancel - 1]) {
      nowMs += passedMs;
      await cancels.make([slurm()]);
    }
    expect(called()).toHaveLength(1);
    nowMs += 1;
    await cancels.make([slurm()]);
    expect(called()).toHaveLength(1);
  });

  it('are split off first where they wait with others, and never named then', async () => {
    const cancels = new Cancels({ commands, now, log });
    expect(await cancels.make(waiting().slice(1, 3))).toBe(true);
    expect(called()).toEqual(['scontrol update JobId=90_[5-6] Comment=orrery']);
    expect(await cancels.make(waiting())).toBe(true);
    expect(called()).toEqual(['scontrol update JobId=90_[4-6] Comment=orrery']);
  });
});

it('leaves an array alone that has the number of ours by now', async () => {
  writeFileSync(join(folder, '90'), 'sweep|/folder\ntheirs|/folder\n');
  const cancels = new Cancels({ commands, now, log });
  await cancels.make(waiting());
  expect(called()).toEqual([]);
});

it('tells tasks that wait together in one call which node to keep off', async () => {
  const state = new MirrorState({ append: async () => {} });
  state.avoided.set('n4', 'a lemon');
  const spec = jobSpecSchema.parse({ command: ['true'] });
  for (const [place, seen] of [...waiting(), split(93, 3)].entries()) {
    const job = toJobRequest(10 + place, spec, 0);
    state.apply({ event: { kind: 'JobSubmitted', atMs: 0, job } });
    Object.assign(state.jobs.get(10 + place) ?? {}, { phase: 'submitted', slurm: seen });
  }
  const submitAnew = () => Promise.reject(new Error('not expected'));
  await new PendingUpdates({ commands, state, spareable: () => ['n4'], submitAnew, now, log }).make();
  expect(called()).toEqual([
    'scontrol update JobId=90_[4-6,9] ExcNodeList=n4',
    'scontrol update JobId=93 ExcNodeList=n4',
  ]);
});
