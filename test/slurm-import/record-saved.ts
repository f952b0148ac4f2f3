import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type SlurmCluster, startSlurm } from '../support/slurm-cluster.ts';
import { saveTexts } from './record.ts';
import { SITE } from './site.ts';

/**
 * What the quick tests read: `node test/slurm-import/record-saved.ts` runs a small Slurm with jobs of every kind and keeps what its commands print,
 * with its slurm.conf and topology.conf, under `saved/`.
 */
const FOLDER = join(import.meta.dirname, 'saved');

const CONF_LINES = [
  'SelectTypeParameters=CR_CPU_Memory',
  'DefMemPerCPU=20',
  'TopologyPlugin=topology/tree',
  'AccountingStorageTRES=gres/gpu',
  'SchedulerParameters=bf_interval=5,bf_window=2880,bf_continue,batch_sched_delay=2',
  'PriorityType=priority/multifactor',
  'PriorityWeightAge=2000',
  'PriorityMaxAge=0-00:10:00',
  'PriorityWeightFairshare=10000',
  'PriorityWeightQOS=4000',
  'PriorityDecayHalfLife=0-00:10:00',
  'PriorityCalcPeriod=1',
  'PreemptType=preempt/qos',
  'PreemptMode=REQUEUE',
  'PartitionName=train Nodes=dgx[1-6] Default=YES MaxTime=1:00:00 State=UP',
  'PartitionName=shared Nodes=dgx[5-8] MaxTime=30 DefaultTime=10 PriorityJobFactor=10 OverSubscribe=EXCLUSIVE State=UP',
  'PartitionName=debug Nodes=dgx[8] MaxTime=10 PriorityTier=10 State=UP',
];

async function recordSaved(): Promise<void> {
  const slurm = await startSlurm({
    ...SITE,
    nodes: 8,
    confLines: CONF_LINES,
    topologyLines: [
      'SwitchName=leaf1 Nodes=dgx[1-4]',
      'SwitchName=leaf2 Nodes=dgx[5-8]',
      'SwitchName=spine Switches=leaf[1-2]',
    ],
    accounting: [
      ['add', 'qos', 'low'],
      ['add', 'qos', 'high', 'priority=100', 'preempt=low', 'MaxJobsPerUser=3', 'GraceTime=10'],
      ...(SITE.accounting ?? [])
        .slice(1)
        .map((words) => words.map((word) => word.replace('qos=normal,high', 'qos=normal,low,high'))),
      ['modify', 'account', 'language', 'set', 'GrpJobs=20'],
    ],
  });
  try {
    submitEverything(slurm);
    await new Promise((done) => {
      setTimeout(done, 16_000);
    });
    await saveTexts(FOLDER, slurm);
    const conf = readFileSync(join(slurm.folder, 'slurm.conf'), 'utf8').replaceAll(slurm.folder, '/slurm');
    writeFileSync(join(FOLDER, 'slurm.conf'), conf);
    copyFileSync(join(slurm.folder, 'topology.conf'), join(FOLDER, 'topology.conf'));
    const config = readFileSync(join(FOLDER, 'config.txt'), 'utf8').replaceAll(slurm.folder, '/slurm');
    writeFileSync(join(FOLDER, 'config.txt'), config);
  } finally {
    await slurm.stop();
  }
}

function submitEverything(slurm: SlurmCluster): void {
  const sbatch = (user: string, seconds: number, ...args: string[]) => {
    const account = user === 'games' || user === 'man' ? 'vision' : 'language';
    const common = ['--parsable', '--output=/dev/null', '--chdir=/', `--uid=${user}`, `--account=${account}`];
    return execFileSync('/usr/bin/sbatch', [...common, ...args, `--wrap=exec sleep ${seconds}`], {
      env: slurm.env,
      encoding: 'utf8',
    }).trim();
  };
  execFileSync('/usr/bin/scontrol', ['update', 'NodeName=dgx4', 'State=DRAIN', 'Reason=lemon node'], {
    env: slurm.env,
  });
  for (let index = 0; index < 12; index += 1)
    sbatch('games', 2 + (index % 3), '-N1', '--gpus-per-node=1', '-t', '1', '--mem=100');
  sbatch('man', 300, '-N3', '--gpus-per-node=8', '-t', '20', '--qos=low', '-c', '4');
  sbatch('mail', 300, '-N1', '-p', 'shared', '-t', '15', '--gpus-per-node=2');
  sbatch('mail', 300, '-N1', '-p', 'debug', '-t', '8', '--gpus-per-node=2', '-c', '8', '--mem=200');
  const gang = sbatch('news', 300, '-N4', '--gpus-per-node=8', '-t', '30', '--qos=normal');
  sbatch('news', 60, '-N1', '-t', '5', `--dependency=afterok:${gang}`);
  sbatch('mail', 60, '-N1', '-p', 'debug', '--gpus-per-node=4', '-t', '6', '--array=0-5%2');
  sbatch('games', 60, '-N1', '-t', '5', '--hold');
  sbatch('games', 60, '-n', '9', '-t', '5', '--begin=now+600');
  sbatch('man', 60, '-N2', '--gpus-per-node=a100:8', '-t', '10', '--nice=50');
  sbatch('man', 1, '-N1', '-t', '1', '--qos=low', '--mem=50');
}

await recordSaved();
