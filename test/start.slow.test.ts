import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { makeHome, processesWith, removeHome, root } from './support/daemon.ts';

const outcomeSchema = z.looseObject({
  languages: z.number(),
  accuracy: z.number(),
  accuracy30: z.number(),
  stepsLost: z.number(),
  model: z.string(),
});

const home = makeHome();
const env = { ...process.env, ORRERY_HOME: home, NO_COLOR: '1' };

afterAll(() => removeHome(home));

describe('npm start', () => {
  it('trains, loses a node, resumes, and reaches its accuracy on held-out articles', () => {
    const run = spawnSync('npm', ['start', '--silent', '--', '--json'], { cwd: root, env, encoding: 'utf8' });
    expect(run.stderr).toMatch(/node n\d killed/);
    const outcome = outcomeSchema.parse(JSON.parse(run.stdout));
    expect(outcome).toMatchObject({ isWhole: true, state: 'COMPLETED' });
    expect(outcome.languages).toBeGreaterThanOrEqual(400);
    expect(outcome.accuracy).toBeGreaterThanOrEqual(0.91);
    expect(outcome.accuracy30).toBeGreaterThanOrEqual(0.88);
    expect(outcome.stepsLost).toBeGreaterThan(0);
    expect(existsSync(join(outcome.model, 'model.json'))).toBe(true);
    expect(processesWith(home)).toEqual([]);
    expect(run.status).toBe(0);
  }, 900_000);

  it('leaves a model that orrery identify finds', () => {
    const args = [join(root, 'bin', 'orrery.js'), 'identify', '이것은 무슨 언어입니까', '--json'];
    const run = spawnSync(process.execPath, args, { env, encoding: 'utf8' });
    expect(run.status).toBe(0);
    expect(run.stdout).toContain('"kor"');
  });
});
