import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

describe('npm run fit:planner', () => {
  it('gives the constants of the catalogue, and errors of models held out that are within the bars', () => {
    const script = fileURLToPath(new URL('../scripts/fit-planner.ts', import.meta.url));
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const heldOut = [...stdout.matchAll(/model held out\s+(\d+) rows\s+MAPE ([\d.]+) %/g)];
    expect(heldOut).toHaveLength(6);
    const rows = heldOut.reduce((sum, [, count]) => sum + Number(count), 0);
    const mean = heldOut.reduce((sum, [, count, mape]) => sum + Number(count) * Number(mape), 0) / rows;
    expect(rows).toBe(513);
    expect(mean).toBeLessThan(6);
  }, 600_000);
});
