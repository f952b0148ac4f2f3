import { afterAll, beforeAll } from 'vitest';
import { describeBackend } from './support/backend-contract.ts';
import { makeHome, removeHome, type RunningDaemon, startDaemon } from './support/daemon.ts';

let home = '';
let daemon: RunningDaemon;
const start = () => startDaemon(home, {}, ['--nodes', '4']);

beforeAll(async () => {
  home = makeHome();
  daemon = await start();
});
afterAll(async () => {
  await daemon.client.shutdown({ cancel: true });
  await daemon.exited;
  await removeHome(home);
});

describeBackend('local', {
  home: () => home,
  daemon: () => daemon,
  restart: async () => {
    daemon.process.kill('SIGKILL');
    await daemon.exited;
    daemon = await start();
    return daemon;
  },
  nodeNames: ['n1', 'n2', 'n3', 'n4'],
  loseNode: async (nodeName) => {
    await daemon.client.failNode(nodeName);
  },
  healNode: async (nodeName) => {
    await daemon.client.resumeNode(nodeName);
  },
  shortestTime: '1s',
  timeoutMs: 60_000,
});
