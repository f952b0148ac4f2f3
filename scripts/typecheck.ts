import { spawnSync } from 'node:child_process';

// Once for everything, once for the pure rooms without Node's types, so that the compiler itself keeps I/O out of them, and once for
// what runs in a browser.
let failed = false;
for (const project of ['tsconfig.json', 'tsconfig.pure.json', 'tsconfig.page.json']) {
  const { status } = spawnSync('tsc', ['--noEmit', '-p', project], { stdio: 'inherit' });
  failed ||= status !== 0;
}
process.exit(failed ? 1 : 0);
