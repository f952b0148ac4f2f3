import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

/** The usual log is four times as large as all else, and written whole at the start. */
const LOG_SIZE = '--innodb-log-file-size=8M';

export interface AccountingInput {
  clusterName: string;
  folder: string;
  /** Of munged. */
  socket: string;
  env: NodeJS.ProcessEnv;
  start: (command: string, args: string[]) => unknown;
  startSlurmdbd: () => void;
  /** For slurmdbd and MariaDB. */
  ports: readonly number[];
  /** Of `sacctmgr`, a list of arguments each. */
  commands: readonly (readonly string[])[];
  /** Polls until the condition holds; throws with what was waited for. */
  until: (condition: () => boolean, what: string) => Promise<void>;
}

/** MariaDB on loopback with a password of its own, slurmdbd over it, then the accounts. */
export async function startAccounting({
  clusterName,
  folder,
  socket,
  env,
  start,
  startSlurmdbd,
  ports,
  commands,
  until,
}: AccountingInput): Promise<void> {
  const [dbdPort, databasePort] = ports;
  const data = join(folder, 'database');
  const password = randomBytes(12).toString('hex');
  cpSync(emptyDatabase(), data, { recursive: true, preserveTimestamps: true });
  const init = join(folder, 'init.sql');
  writeFileSync(
    init,
    `CREATE USER slurm@'127.0.0.1' IDENTIFIED BY '${password}';\nGRANT ALL ON slurm_acct_db.* TO slurm@'127.0.0.1';\n`,
    { mode: 0o600 },
  );
  start('/usr/sbin/mariadbd', [
    '--no-defaults',
    `--user=${userInfo().username}`,
    `--datadir=${data}`,
    `--socket=${join(folder, 'database.sock')}`,
    `--pid-file=${join(folder, 'database.pid')}`,
    '--bind-address=127.0.0.1',
    `--port=${databasePort}`,
    '--skip-name-resolve',
    LOG_SIZE,
    // It need not outlive the machine.
    '--innodb-flush-log-at-trx-commit=0',
    `--init-file=${init}`,
  ]);
  const host = hostname().split('.')[0];
  const conf = [
    `DbdHost=${host}`,
    'DbdAddr=127.0.0.1',
    `DbdPort=${dbdPort}`,
    `SlurmUser=${userInfo().username}`,
    'AuthType=auth/munge',
    `AuthInfo=socket=${socket}`,
    'StorageType=accounting_storage/mysql',
    'StorageHost=127.0.0.1',
    `StoragePort=${databasePort}`,
    'StorageUser=slurm',
    `StoragePass=${password}`,
    'StorageLoc=slurm_acct_db',
    `LogFile=${folder}/log/slurmdbd.log`,
    `PidFile=${folder}/slurmdbd.pid`,
    '',
  ];
  writeFileSync(join(folder, 'slurmdbd.conf'), conf.join('\n'), { mode: 0o600 });
  await until(() => accepts(databasePort), 'MariaDB');
  startSlurmdbd();
  await until(() => sacctmgr(env, ['list', 'cluster']), 'slurmdbd');
  for (const command of [['add', 'cluster', clusterName], ...commands]) {
    if (!sacctmgr(env, command)) throw new Error(`sacctmgr ${command.join(' ')}: refused`);
  }
}

/** Folder of a database in which there is nothing yet, made once on a machine: it takes seconds, and a copy of it none. */
function emptyDatabase(): string {
  const version = execFileSync('/usr/sbin/mariadbd', ['--version'], { encoding: 'utf8' });
  const { username } = userInfo();
  const folder = join(tmpdir(), `orrery-mariadb-${username}-${/Ver (\S+)/.exec(version)?.[1] ?? 'unknown'}`);
  if (existsSync(folder)) return folder;
  const part = mkdtempSync(`${folder}.part-`);
  const args = ['--no-defaults', `--user=${username}`, `--datadir=${part}`, '--skip-test-db', LOG_SIZE];
  execFileSync('/usr/bin/mariadb-install-db', args, { stdio: 'ignore' });
  try {
    renameSync(part, folder);
  } catch {
    // Another suite was first.
    rmSync(part, { recursive: true });
  }
  return folder;
}

function sacctmgr(env: NodeJS.ProcessEnv, command: readonly string[]): boolean {
  const { status } = spawnSync('/usr/bin/sacctmgr', ['-i', ...command], { env, stdio: 'ignore', timeout: 20_000 });
  return status === 0;
}

function accepts(port: number | undefined): boolean {
  return spawnSync('/bin/bash', ['-c', `exec 3<>/dev/tcp/127.0.0.1/${port}`], { stdio: 'ignore' }).status === 0;
}
