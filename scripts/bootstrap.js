// Plain JavaScript for the host's Node (>= 20): it must run before anything is installed. It installs what is missing, then
// hands over to a TypeScript script under the packaged Node 24. All its words go to stderr: stdout belongs to the command.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, 'node_modules');
const stamp = join(modules, '.orrery-lock-digest');

const say = (message) => process.stderr.write(message + '\n');

function fail(message) {
  say('orrery: ' + message);
  process.exit(1);
}

function isNpmOlderThan(major, minor) {
  const { stdout } = spawnSync('npm', ['--version'], { encoding: 'utf8' });
  const [ownMajor, ownMinor] = String(stdout).split('.').map(Number);
  return ownMajor < major || (ownMajor === major && ownMinor < minor);
}

/** Dependencies as the lockfile has them; nothing to do where they already are. */
function installDependencies() {
  const digest = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return;
  say('Installing the npm dependencies (npm ci) ...');
  // onnxruntime-node would fetch GPU libraries after its installation. npm from 11.19 on is told not to let it by package.json
  // (allowScripts); an older one passes this on to the package.
  const env = { ...process.env, ...(isNpmOlderThan(11, 19) ? { npm_config_onnxruntime_node_install: 'skip' } : {}) };
  // npm's own stdout goes to our stderr.
  const { status } = spawnSync('npm', ['ci', '--no-fund', '--no-audit', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    env,
  });
  if (status !== 0) fail('npm ci failed: see above. Is the npm registry reachable?');
  writeFileSync(stamp, digest);
}

function findNode24() {
  const packaged = join(modules, 'node-' + process.platform + '-' + process.arch, 'bin', 'node');
  if (existsSync(packaged)) return packaged;
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
  return fail(
    'Node ' +
      process.versions.node +
      ' is too old and no packaged Node exists for this platform: install Node 24 or later',
  );
}

const [task, ...args] = process.argv.slice(2);
if (task !== 'start' && task !== 'test') fail('usage: node scripts/bootstrap.js start|test [options]');
installDependencies();
const node = findNode24();
const env = { ...process.env, PATH: dirname(node) + ':' + join(modules, '.bin') + ':' + process.env.PATH };
const child = spawn(node, ['--disable-warning=ExperimentalWarning', join(root, 'scripts', task + '.ts'), ...args], {
  cwd: root,
  env,
  stdio: 'inherit',
});
// A terminal's Ctrl-C reaches both processes; a signal sent to this one alone is passed on. Either way the child cleans up first.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)));
