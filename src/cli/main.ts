import { existsSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { homeFolder } from './home.ts';

// Compiled code of the bundle is kept in the home, once there is one: it halves the time to load.
const home = homeFolder();
if (existsSync(home)) enableCompileCache(join(home, 'cache'));

const { runCommandLine } = await import('./command-line.ts');
process.exit(await runCommandLine(process.argv.slice(2)));
