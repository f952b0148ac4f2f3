import { describe, expect, it } from 'vitest';
import { FAULT_POINTS } from '../src/backend/local/fault-points.ts';
import { processesWith, until, useDaemon } from './support/daemon.ts';
import { evidenceJob, expectAllWell, haveEnded, makeLedger } from './support/jobs.ts';

const fixture = useDaemon();

/** Not reached by jobs that end by themselves: killing, cancelling and recovery have their own tests beside the launcher. */
const UNREACHED = /kill|fence|recover/;

describe('a daemon that dies at a fault point while 50 jobs run', () => {
  it.each(FAULT_POINTS.filter((name) => !UNREACHED.test(name)))(
    '%s',
    async (point) => {
      const ledger = makeLedger(fixture.home);
      const { client, exited } = await fixture.restart({ ORRERY_FAULT_POINT: `${point}:5` });
      const submitted = await client.submit({
        jobs: Array.from({ length: 50 }, (_, index) => evidenceJob(index, ledger)),
      });
      const ids = submitted.jobs.map((job) => job.id);
      await Promise.race([
        exited,
        until(() => haveEnded(client, ids).catch(() => false), 'the fault or the end', 60_000),
      ]);
      const { client: second } = await fixture.restart();
      await until(() => haveEnded(second, ids), 'all 50 jobs to end', 120_000);
      await expectAllWell(second, ids, ledger);
      // A supervisor ends after it has left the end of its job.
      await expect.poll(() => processesWith(ledger), { timeout: 60_000 }).toEqual([]);
    },
    300_000,
  );
});
