import { existsSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { homeFolder } from './home.ts';

// Compiled code of the bundle is kept in the home, once there is one: it halves the time to load.
const home = homeFolder();
if (existsSync(home)) enableCompileCache(join(home, 'cache'));

const { runCommandLine } = await import('./command-line.ts');
const status = await runCommandLine(process.argv.slice(2));
// A file that could not be written says so only now.
await new Promise((resolve) => setImmediate(resolve));
// A pipe takes 64 KiB at once: what a slow reader has not taken yet must not be lost.
for (const stream of [process.stdout, process.stderr]) {
  if (stream.writableLength > 0) await new Promise<void>((resolve) => stream.write('', () => resolve()));
}
process.exit(status);
