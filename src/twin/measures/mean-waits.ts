import type { RecordedWait, RecordedWaits } from '../report.ts';

/** The mean of several runs of the same jobs, `others` besides the first: of all, and of each partition and QOS that the first has. */
export function meanWaits(first: RecordedWaits, others: readonly RecordedWaits[]): RecordedWaits {
  const runs = [first, ...others];
  const mean = <T extends RecordedWait>(own: T, of: (run: RecordedWaits) => RecordedWait | undefined): T => {
    const means = runs.flatMap((run) => of(run)?.meanSeconds ?? []);
    const meanSeconds = means.reduce((sum, seconds) => sum + seconds, 0) / means.length;
    const recorded = own.recordedMeanSeconds;
    return { ...own, meanSeconds, difference: recorded === 0 ? null : (meanSeconds - recorded) / recorded };
  };
  const named = (name: string) => (one: { name: string }) => one.name === name;
  return {
    ...mean(first, (run) => run),
    byPartition: first.byPartition.map((own) => mean(own, (run) => run.byPartition.find(named(own.name)))),
    byQos: first.byQos.map((own) => mean(own, (run) => run.byQos.find(named(own.name)))),
  };
}
