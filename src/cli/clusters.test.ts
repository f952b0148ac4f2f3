import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listClusters, showCluster } from './clusters.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-clusters-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('orrery clusters', () => {
  it('lists the catalogue, one line a cluster', async () => {
    const { clusters, text } = await listClusters();
    expect(clusters).toHaveLength(7);
    expect(text.split('\n')).toHaveLength(8);
    expect(text).toMatch(/rsc-phase2 +2,000 +16,000 +a100-80 +312 PFLOP\/s +4\.992 EFLOP\/s/);
  });

  it('shows every figure with a source that is listed', async () => {
    const { cluster, text } = await showCluster('selene');
    expect(cluster.totals).toMatchObject({ nodes: 560, gpus: 4480 });
    expect(text).toMatch(/HPL Rmax +63\.46 PFLOP\/s +\[\d+\]/);
    const marks = new Set(text.match(/\[\d+\]/g));
    expect(marks.size).toBeGreaterThan(5);
    const listed = text.split('Sources\n')[1] ?? '';
    for (const mark of marks) expect(listed).toContain(`${mark} `);
  });

  it('reads a file of the user', async () => {
    const file = join(folder, 'mine.yaml');
    writeFileSync(
      file,
      'name: mine\ntitle: Mine\nnodes: {namePrefix: n, count: 2, gpusPerNode: 4, gpuType: a100-40}\n',
    );
    const { cluster, text } = await showCluster(file);
    expect(cluster.totals.gpus).toBe(8);
    expect(text).toContain('mine: Mine');
  });

  it('says where a file is wrong', async () => {
    const file = join(folder, 'rsc.yaml');
    writeFileSync(file, 'name: rsc\ntitle: RSC\nnodes:\n  namePrefix: n\n  count: 2\n  gpusPerNode: eight\n');
    await expect(showCluster(file)).rejects.toMatchObject({
      code: 'ORR_BAD_FILE',
      message: 'rsc.yaml:6:3 nodes.gpusPerNode: expected an integer > 0, got "eight"',
    });
  });

  it.each(['nope', './nope.yaml'])('says which clusters there are instead of %s', async (name) => {
    await expect(showCluster(name)).rejects.toMatchObject({
      code: 'ORR_UNKNOWN_CLUSTER',
      message: expect.stringMatching(/^unknown cluster "[^"]+".*known are cori, local, .*selene; or give a path/),
    });
  });
});
