import { spawnSync } from 'node:child_process';

// Twice: once for everything, once for the pure rooms without Node's types, so that the compiler itself keeps I/O out of them.
let failed = false;
for (const project of ['tsconfig.json', 'tsconfig.pure.json']) {
  const { status } = spawnSync('tsc', ['--noEmit', '-p', project], { stdio: 'inherit' });
  failed ||= status !== 0;
}
process.exit(failed ? 1 : 0);
