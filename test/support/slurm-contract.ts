import { describeBackend } from './backend-contract.ts';
import { ensureSlurm, ensureSlurmAccounting, type SlurmCluster, startSlurm } from './slurm-cluster.ts';
import { QUICK_LINES, researchAccount, startSlurmDaemon } from './slurm-daemon.ts';

/** The contract of backends over a real Slurm of four nodes. Without accounting only what depends on how ends are found out. */
export function describeSlurmBackend(name: string, { hasAccounting }: { hasAccounting: boolean }): void {
  let slurm: SlurmCluster | undefined;
  const cluster = () => {
    if (slurm === undefined) throw new Error('Slurm is not started');
    return slurm;
  };
  describeBackend(name, {
    prepare: async () => {
      if (!(hasAccounting ? ensureSlurmAccounting() : ensureSlurm())) throw new Error('Slurm is needed');
      slurm = await startSlurm({
        nodes: 4,
        cpusPerNode: 8,
        credentialSeconds: 5,
        confLines: [...QUICK_LINES, 'SlurmdTimeout=5', 'MinJobAge=10'],
        ...(hasAccounting && { accounting: researchAccount('root') }),
      });
    },
    start: (home) => startSlurmDaemon(home, cluster()),
    end: async (daemon) => {
      daemon?.process.kill('SIGKILL');
      await daemon?.exited;
      await slurm?.stop();
    },
    nodeNames: ['s1', 's2', 's3', 's4'],
    loseNode: (nodeName) => cluster().killNode(nodeName),
    healNode: (nodeName) => Promise.resolve(cluster().startNode(nodeName)),
    shortestTime: '1m',
    timeoutMs: 150_000,
    ...(!hasAccounting && { isShort: true }),
  });
}
