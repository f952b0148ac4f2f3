#!/usr/bin/env node
// Plain old JavaScript on purpose: it must parse on any Node, find Node 24 and hand over to the bundle.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bundle = join(root, 'dist', 'orrery.js');
const major = Number(process.versions.node.split('.')[0]);

function fail(message) {
  process.stderr.write('orrery: ' + message + '\n');
  process.exit(1);
}

/** The packaged Node 24 next to this checkout, or hoisted above it where orrery is a dependency. */
function packagedNode() {
  const name = 'node-' + process.platform + '-' + process.arch;
  for (let folder = root; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name, 'bin', 'node');
    if (existsSync(candidate)) return candidate;
    if (folder === dirname(folder)) return undefined;
  }
}

if (!existsSync(bundle)) {
  fail('not built yet: run "npm ci && npm run build" in ' + root);
} else if (major >= 24) {
  await import(pathToFileURL(bundle).href);
} else {
  const node = packagedNode();
  if (node === undefined) {
    fail('Node ' + process.versions.node + ' is too old: install Node 24 or later, or run "npm ci" in ' + root);
  } else {
    const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
    // The terminal sends Ctrl-C to both; the child decides what it means.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
    child.on('exit', (code, signal) => process.exit(code === null ? 128 + (signal === 'SIGINT' ? 2 : 15) : code));
  }
}
