import { afterAll, beforeAll } from 'vitest';
import { describeBackend } from './support/backend-contract.ts';
import { makeHome, removeHome, type RunningDaemon, startDaemon } from './support/daemon.ts';
import { ensureSlurm, type SlurmCluster, startSlurm } from './support/slurm-cluster.ts';

let home = '';
let slurm: SlurmCluster;
let daemon: RunningDaemon;
const start = () =>
  startDaemon(home, { SLURM_CONF: slurm.env['SLURM_CONF'] ?? '' }, ['--backend', 'slurm', '--poll-ms', '300']);

beforeAll(async () => {
  if (!ensureSlurm()) throw new Error('Slurm is needed');
  home = makeHome();
  slurm = await startSlurm({
    nodes: 4,
    cpusPerNode: 8,
    credentialSeconds: 5,
    confLines: [
      'SchedulerParameters=bf_interval=1,bf_resolution=1,batch_sched_delay=1,sched_interval=2',
      'SlurmdTimeout=5',
      'KillWait=2',
      'MinJobAge=10',
    ],
  });
  daemon = await start();
}, 180_000);
afterAll(async () => {
  daemon.process.kill('SIGKILL');
  await daemon.exited;
  await slurm.stop();
  await removeHome(home);
}, 60_000);

// Without a database: ends are taken from squeue and from what the scripts leave.
describeBackend('slurm without accounting', {
  home: () => home,
  daemon: () => daemon,
  restart: async () => {
    daemon.process.kill('SIGKILL');
    await daemon.exited;
    daemon = await start();
    return daemon;
  },
  nodeNames: ['s1', 's2', 's3', 's4'],
  loseNode: (nodeName) => slurm.killNode(nodeName),
  healNode: (nodeName) => {
    slurm.startNode(nodeName);
    return Promise.resolve();
  },
  shortestTime: '1m',
  timeoutMs: 90_000,
  isShort: true,
});
