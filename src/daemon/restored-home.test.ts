import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DaemonFixture } from './daemon.test-support.ts';

let fixture: DaemonFixture;
beforeEach(async () => {
  fixture = new DaemonFixture();
  await fixture.start();
});
afterEach(() => fixture.remove());

it('with an older copy of its store a home gives no job the id, and the folder, of one that the copy does not know', async () => {
  const [store, copy] = [join(fixture.home, 'orrery.db'), join(fixture.home, 'copy.db')];
  const first = await fixture.sh('echo first');
  await fixture.until(first, 'COMPLETED');
  await fixture.daemon.close();
  copyFileSync(store, copy);
  await fixture.start();
  const lost = await fixture.sh('echo lost');
  await fixture.until(lost, 'COMPLETED');
  await fixture.daemon.close();
  for (const suffix of ['-wal', '-shm']) rmSync(`${store}${suffix}`, { force: true });
  copyFileSync(copy, store);
  await fixture.start();
  const next = await fixture.sh('echo next');
  expect(next).toBe(lost + 1);
  await fixture.until(next, 'COMPLETED');
  expect(await fixture.output(next)).toBe('next\n');
});
