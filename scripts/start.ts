import { spawn, spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensurePython } from './setup-python.ts';

// `npm start`: PyTorch if it is missing, a fresh build (under a second), then the demo with whatever options were given.
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const python = await ensurePython();
const { status } = spawnSync(process.execPath, [join(root, 'scripts', 'build.ts')], { stdio: ['ignore', 2, 2] });
if (status !== 0) process.exit(1);
const child = spawn(process.execPath, [join(root, 'bin', 'orrery.js'), 'demo', ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { ...process.env, ORRERY_PYTHON: python },
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)));
