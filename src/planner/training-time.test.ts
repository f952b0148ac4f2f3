import { describe, expect, it } from 'vitest';
import { checkpointBytes, storageRate, youngDalySeconds } from './checkpointing.ts';
import { nodeWatts } from './energy.ts';
import { expectedEttr } from './failures.ts';
import { type TrainingRun, trainingTime } from './training-time.ts';

/** GPT-3 on 1,024 GPUs of RSC. */
const run: TrainingRun = {
  iterationSeconds: 24,
  tokensPerStep: 1536 * 2048,
  tokens: 300e9,
  gpus: 1024,
  gpusPerNode: 8,
  parameters: 175e9,
  vocab: 51_200,
  storageBytesPerSecond: 16e12,
  failuresPerNodeDay: 6.5e-3,
  checkpointIntervalSeconds: null,
  nodeWattsMax: 6500,
  gpuWattsMax: 400,
  costPerGpuHour: 2,
};

describe('a checkpoint', () => {
  it('is as large as that of BLOOM, and written as fast', () => {
    // 2.3 TB in 40 s from 48 nodes, whatever of optimizer state was in it.
    expect(checkpointBytes(176.247e9) / 2.3e12).toBeCloseTo(1.07, 2);
    expect(2.3e12 / storageRate(48, null)).toBeCloseTo(40, 6);
  });

  it('waits for the tier or for the links of the nodes', () => {
    expect(storageRate(128, 16e12)).toBe(128 * 25e9);
    expect(storageRate(2000, 16e12)).toBe(16e12);
  });

  it('is taken at the interval that gives the best ratio', () => {
    const interruptions = { mttfSeconds: 6480, restartSeconds: 600, waitSeconds: 0, checkpointWriteSeconds: 40 };
    const ettrAt = (seconds: number) => expectedEttr({ ...interruptions, checkpointIntervalSeconds: seconds });
    const optimum = youngDalySeconds(40, 6480);
    expect(optimum).toBe(720);
    let best = 0;
    for (let seconds = 30; seconds < 6000; seconds += 10) best = Math.max(best, ettrAt(seconds));
    // Young's is the first order of the optimum.
    expect(ettrAt(optimum) / best).toBeGreaterThan(0.9995);
  });
});

describe('training time', () => {
  it('adds up', () => {
    const time = trainingTime(run);
    expect(time.steps).toBe(95_368);
    expect(time.idealSeconds).toBe(95_368 * 24);
    expect(time.mttfSeconds / 3600).toBeCloseTo(28.8, 1);
    expect(time.checkpointBytes).toBe(2.45e12);
    expect(time.checkpointWriteSeconds).toBeCloseTo(5 + 2.45 / 3.2, 9);
    expect(time.checkpointIntervalSeconds).toBeCloseTo(Math.sqrt(2 * (5 + 2.45 / 3.2) * time.mttfSeconds), 6);
    expect(time.expectedSeconds * time.ettr).toBeCloseTo(time.idealSeconds, 3);
    expect(time.gpuHours).toBeCloseTo((time.expectedSeconds / 3600) * 1024, 3);
    expect(time.cost).toBeCloseTo(2 * time.gpuHours, 3);
    // 128 nodes at 4.725 kW and a PUE of 1.2.
    expect(time.energyKwh).toBeCloseTo(128 * 4.725 * 1.2 * (time.expectedSeconds / 3600), 0);
    expect(time.storage.dataBytesPerSecond).toBeCloseTo((2 * 1536 * 2048) / 24, 6);
  });

  it('loses a few per cent to failures on a thousand GPUs, and more on ten times as many', () => {
    const thousand = trainingTime(run).ettr;
    const many = trainingTime({ ...run, gpus: 16_000 }).ettr;
    expect(thousand).toBeGreaterThan(0.97);
    expect(many).toBeLessThan(thousand);
    expect(many).toBeGreaterThan(0.8);
  });

  it('is never shortened by slower storage, more failures or slower restarts', () => {
    const { expectedSeconds } = trainingTime(run);
    for (const worse of [
      { storageBytesPerSecond: 1e10 },
      { failuresPerNodeDay: 0.05 },
      { restartSeconds: 3600 },
      { checkpointIntervalSeconds: 86_400 },
    ]) {
      expect(trainingTime({ ...run, ...worse }).expectedSeconds).toBeGreaterThan(expectedSeconds);
    }
  });

  it('takes one checkpoint at the end where nothing fails', () => {
    const time = trainingTime({ ...run, failuresPerNodeDay: 0 });
    expect(time.failures).toBe(0);
    expect(time.expectedSeconds).toBeCloseTo(time.idealSeconds + time.checkpointWriteSeconds, 3);
  });

  it('leaves out energy and cost that nothing is known of', () => {
    const unknown = { nodeWattsMax: null, gpuWattsMax: null, costPerGpuHour: null };
    expect(trainingTime({ ...run, ...unknown })).toMatchObject({ energyKwh: null, cost: null });
    expect(nodeWatts({ nodeWattsMax: null, gpuWattsMax: 400, gpusPerNode: 8 })).toBeCloseTo(4725, 6);
  });
});
