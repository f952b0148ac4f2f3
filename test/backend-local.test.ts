import { describeBackend } from './support/backend-contract.ts';
import { startDaemon } from './support/daemon.ts';

describeBackend('local', {
  start: (home) => startDaemon(home, {}, ['--nodes', '4']),
  end: async (daemon) => {
    await daemon?.client.shutdown({ cancel: true });
    await daemon?.exited;
  },
  nodeNames: ['n1', 'n2', 'n3', 'n4'],
  loseNode: async (nodeName, { client }) => {
    await client.failNode(nodeName);
  },
  healNode: async (nodeName, { client }) => {
    await client.resumeNode(nodeName);
  },
  shortestTime: '1s',
  timeoutMs: 60_000,
});
