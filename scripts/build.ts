import { chmod, copyFile, mkdir, readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const out = join(root, 'dist');

// One file for a fast start; native packages stay outside and are loaded only where they are used.
await mkdir(out, { recursive: true });
const { metafile } = await build({
  entryPoints: {
    orrery: join(root, 'src/cli/main.ts'),
    daemon: join(root, 'src/daemon/main.ts'),
    'array-task': join(root, 'src/cli/slurm-array/array-task.ts'),
    'forecast-worker': join(root, 'src/daemon/forecast/forecast-worker.ts'),
    'grid-worker': join(root, 'src/cli/plan-grid/grid-worker.ts'),
    'simulation-worker': join(root, 'src/cli/sim/simulation-worker.ts'),
  },
  outdir: out,
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  external: ['onnxruntime-node'],
  minifySyntax: true,
  sourcemap: 'linked',
  logLevel: 'warning',
  metafile: true,
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
});
// Chunks of earlier builds go last: a command that runs meanwhile still finds its own.
const pageScripts = join(root, 'src/cli/render/page-scripts');
const copied = await readdir(pageScripts);
const shellScripts = ['local/supervisor.sh', 'slurm/batch/slurm-batch.sh', 'slurm/batch/slurm-rank.sh'];
const made = new Set([
  ...Object.keys(metafile.outputs).map((path) => basename(path)),
  ...shellScripts.map((path) => basename(path)),
  ...copied,
]);
for (const name of await readdir(out)) if (!made.has(name)) await rm(join(out, name), { recursive: true });
for (const path of shellScripts) {
  const script = join(out, basename(path));
  await copyFile(join(root, 'src/backend', path), script);
  await chmod(script, 0o755);
}
// They run in the pages that are written, not in Node: put into these as they are.
for (const name of copied) await copyFile(join(pageScripts, name), join(out, name));
