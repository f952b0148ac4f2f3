import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileNameOf, SAVED_FILES } from '../../src/backend/slurm/saved/saved-files.ts';
import { startSlurm } from '../support/slurm-cluster.ts';
import { saveTexts } from './record.ts';

/**
 * What the quick tests of reservations read: `node test/slurm-import/record-reservations.ts` runs a small Slurm with reservations of many kinds, and
 * jobs that name them, and keeps what its commands print under `saved-reservations/`.
 */
const FOLDER = join(import.meta.dirname, 'saved-reservations');
const KEPT: readonly string[] = ['squeue', 'node', 'partition', 'reservation', 'sacct'];

const RESERVATIONS: readonly (readonly string[])[] = [
  ['ReservationName=repair', 'StartTime=now', 'Duration=10', 'Nodes=n[1-2]', 'Users=root', 'Flags=MAINT,IGNORE_JOBS'],
  ['ReservationName=course', 'StartTime=now', 'Duration=60', 'Nodes=n3', 'Accounts=teaching'],
  ['ReservationName=later', 'StartTime=now+30minutes', 'Duration=60', 'Nodes=n4', 'Users=games,man', 'Flags=FLEX'],
  ['ReservationName=friday', 'StartTime=now+30minutes', 'Duration=60', 'Nodes=n8', 'Users=games'],
  ['ReservationName=cores', 'StartTime=now', 'Duration=60', 'Nodes=n5', 'CoreCnt=2', 'Users=games'],
  ['ReservationName=nightly', 'StartTime=now+8hours', 'Duration=60', 'Nodes=n6', 'Users=root', 'Flags=DAILY,MAINT'],
  ['ReservationName=drifting', 'StartTime=now+60minutes', 'Duration=60', 'Nodes=n6', 'Users=root', 'Flags=TIME_FLOAT'],
  ['ReservationName=others', 'StartTime=now', 'Duration=60', 'Nodes=n7', 'Accounts=-teaching'],
  ['ReservationName=seats', 'StartTime=now', 'Duration=60', 'Users=games', 'Licenses=matlab:2', 'Flags=LICENSE_ONLY'],
];

const slurm = await startSlurm({
  nodes: 8,
  cpusPerNode: 8,
  nodePrefix: 'n',
  confLines: [
    'PriorityType=priority/multifactor',
    'Licenses=matlab:4',
    'PartitionName=all Nodes=n[1-8] Default=YES MaxTime=UNLIMITED State=UP',
  ],
  accounting: [
    ['add', 'account', 'teaching'],
    ['add', 'user', 'mail', 'account=teaching'],
    ['add', 'account', 'vision'],
    ['add', 'user', 'games', 'account=vision'],
    ['add', 'user', 'man', 'account=vision'],
  ],
});
try {
  const { env } = slurm;
  for (const words of RESERVATIONS) execFileSync('/usr/bin/scontrol', ['create', 'reservation', ...words], { env });
  const sbatch = (user: string, seconds: number, ...args: string[]) => {
    const common = ['--parsable', '--output=/dev/null', '--chdir=/', `--uid=${user}`, '-N1'];
    execFileSync('/usr/bin/sbatch', [...common, ...args, `--wrap=exec sleep ${seconds}`], { env });
  };
  sbatch('mail', 300, '-t', '10', '--reservation=course', '--exclusive');
  sbatch('games', 1, '-t', '10', '--reservation=others');
  sbatch('games', 300, '-t', '10', '--reservation=later');
  sbatch('games', 300, '-t', '10', '--exclusive');
  sbatch('mail', 60, '-t', '10', '--reservation=course');
  sbatch('games', 60, '-t', '10', '--reservation=friday');
  await new Promise((done) => {
    setTimeout(done, 16_000);
  });
  await saveTexts(FOLDER, slurm);
  for (const { name } of SAVED_FILES) {
    const path = join(FOLDER, fileNameOf(name));
    if (!KEPT.includes(name)) rmSync(path);
    else writeFileSync(path, readFileSync(path, 'utf8').replaceAll(slurm.folder, '/slurm'));
  }
} finally {
  await slurm.stop();
}
