// Loaded before a command that is measured: tells what the process took once it ends, on the descriptor that was opened for it.
import { writeSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { USAGE_DESCRIPTOR, type Usage } from './usage.ts';

if (isMainThread) {
  process.on('exit', () => {
    const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
    const usage: Usage = { cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, peakBytes: maxRSS * 1024 };
    writeSync(USAGE_DESCRIPTOR, JSON.stringify(usage));
  });
}
