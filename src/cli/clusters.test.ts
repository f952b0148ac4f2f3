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

  it('adds what follows from the figures: Rmax with a range and a standing, bisection, power, a checkpoint', async () => {
    const { cluster, text } = await showCluster('rsc-phase1');
    const { hplEstimate } = cluster;
    expect(hplEstimate?.lowFlops).toBeLessThan(hplEstimate?.rmaxFlops ?? 0);
    expect(hplEstimate?.highFlops).toBeGreaterThan(hplEstimate?.rmaxFlops ?? Infinity);
    expect(text).toMatch(/HPL Rmax, estimated +88\.3 PFLOP\/s \(84\.4 PFLOP\/s to 96 PFLOP\/s\)/);
    expect(cluster.standings.map(({ above, below }) => [above?.name, below?.name])).toEqual([
      ['Summit', 'Selene'],
      ['Summit', 'Perlmutter'],
    ]);
    // 380 nodes of 8 links of 25 GB/s on either side.
    expect(cluster.bisectionBytesPerSecond).toBe(76e12);
    expect(cluster.nodesPowerWattsMax).toBe(760 * 6500);
    expect(cluster.checkpoint).toMatchObject({ bytes: 14e12, bytesPerSecond: 16e12, seconds: 0.875 });
  });

  it('shows a measured Rmax as measured, next to the estimate, and none where there is no GPU', async () => {
    const { cluster: selene, text } = await showCluster('selene');
    expect(text).toMatch(/HPL Rmax +63\.46 PFLOP\/s/);
    expect(text).toMatch(/estimated, for comparison +5\d\.\d PFLOP\/s/);
    expect(selene.standings[0]?.level.map(({ name }) => name)).toEqual(['Selene']);
    const { cluster: cori, text: coriText } = await showCluster('cori');
    expect(cori).toMatchObject({ hplEstimate: null, checkpoint: null });
    expect(coriText).not.toContain('estimated');
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
      message: 'rsc.yaml:6:3 nodes.gpusPerNode: expected an integer > 0 and <= 1000, got "eight"',
    });
  });

  it.each(['nope', './nope.yaml'])('says which clusters there are instead of %s', async (name) => {
    await expect(showCluster(name)).rejects.toMatchObject({
      code: 'ORR_UNKNOWN_CLUSTER',
      message: expect.stringMatching(/^unknown cluster "[^"]+".*known are cori, local, .*selene; or give a path/),
    });
  });
});
