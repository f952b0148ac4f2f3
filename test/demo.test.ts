import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { makeHome, processesWith, removeHome, root, sleep, until } from './support/daemon.ts';

const outcomeSchema = z.looseObject({
  attempts: z.array(z.object({ state: z.string(), nodeList: z.array(z.string()) })),
  failedNode: z.string(),
  resumedFromStep: z.number(),
  stepAtFailure: z.number(),
  stepsLost: z.number(),
  model: z.string(),
});

let home: string;

beforeEach(() => {
  home = makeHome();
});

afterEach(async () => {
  await removeHome(home);
});

interface Demo {
  done: Promise<{ code: number | null; stdout: string; stderr: string }>;
  stderr: () => string;
  interrupt: () => void;
}

function demo(args: readonly string[]): Demo {
  const child = spawn(process.execPath, [join(root, 'bin', 'orrery.js'), 'demo', ...args], {
    env: { ...process.env, ORRERY_HOME: home, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data: Buffer) => {
    stdout += data.toString();
  });
  child.stderr.on('data', (data: Buffer) => {
    stderr += data.toString();
  });
  const done = new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
  return { done, stderr: () => stderr, interrupt: () => child.kill('SIGINT') };
}

describe('orrery demo', () => {
  it('trains real PyTorch ranks on two nodes, loses one, resumes on the spare and evaluates, every time', async () => {
    // The second finds what the first left behind: a node that is down.
    for (const round of [1, 2]) {
      const { code, stdout, stderr } = await demo(['--quick', '--json']).done;
      expect(stderr).toMatch(/node n\d killed/);
      const outcome = outcomeSchema.parse(JSON.parse(stdout));
      expect(outcome).toMatchObject({ isWhole: true, jobId: round, state: 'COMPLETED', exitCode: 0 });
      const { attempts } = outcome;
      expect(attempts.map((attempt) => attempt.state)).toEqual(['NODE_FAIL', 'COMPLETED']);
      expect(attempts[1]?.nodeList).not.toContain(outcome.failedNode);
      expect(outcome.resumedFromStep).toBeGreaterThan(0);
      // None are lost where the node died right after a checkpoint.
      expect(outcome.stepAtFailure).toBeGreaterThanOrEqual(outcome.resumedFromStep);
      expect(outcome.stepsLost).toBe(outcome.stepAtFailure - outcome.resumedFromStep);
      expect(existsSync(join(outcome.model, 'model.onnx'))).toBe(true);
      await expect.poll(() => processesWith(home), { timeout: 60_000 }).toEqual([]);
      expect(code).toBe(0);
    }
  }, 400_000);

  it.each([0.2, 2, 6])(
    'interrupted after %d s leaves no process behind',
    async (seconds) => {
      const run = demo(['--quick']);
      await sleep(seconds * 1000);
      run.interrupt();
      const { code } = await run.done;
      await until(() => processesWith(home).length === 0, 'every process of the demo to be gone');
      // A quick machine may have finished the drill before the signal came.
      expect([130, 0, null]).toContain(code);
    },
    120_000,
  );
});
