import { basename } from 'node:path';
import { type Command, Option } from 'commander';
import { SCHEDULER_TYPES } from '../../scheduler/policy.ts';
import type { Health } from '../../contract/api.ts';
import { defineCommand, integer } from '../command.ts';
import { type BackendOptions, backendArguments } from '../backend-arguments.ts';
import { catalogueFile } from '../catalogue-file.ts';
import { connect } from '../connection.ts';
import { type RunningDaemon, startDaemon } from '../daemon-process.ts';
import { ExitStatus } from '../exit-status.ts';
import { homeFolder } from '../home.ts';
import { noteOutage } from '../outage.ts';
import { note, print, printJson } from '../output.ts';

interface Options extends BackendOptions {
  detach?: boolean;
  host?: string;
  port?: number;
  json?: boolean;
}

export function register(program: Command): Command {
  return defineCommand(program, 'up', {
    summary: 'Start the daemon on this machine: in the foreground until Ctrl-C, or in the background. Jobs outlive it.',
    examples: [
      ['orrery up', 'in this terminal; Ctrl-C stops it'],
      ['orrery up --detach --nodes 3', 'in the background, with three virtual nodes'],
      ['orrery up --policy site.yaml', 'with priorities, QOS, limits, partitions of a policy file'],
      ['orrery up --detach --port 0 --json', 'any free port; prints {pid, url, home}'],
      [
        'orrery up --backend slurm --detach',
        'jobs go to the Slurm whose commands are here; later orrery up goes on so',
      ],
    ],
  })
    .option('-d, --detach', 'return once it answers')
    .option('--host <address>', 'address to listen on (default: 127.0.0.1)')
    .option('--port <n>', 'port to listen on; 0 is any (default: 7077 or the next free one)', integer(0, 65_535))
    .option('--nodes <n>', 'virtual nodes that share this machine', integer(1, 10_000))
    .option('--cluster <name|file>', 'cluster of the catalogue or a cluster file')
    .option('--policy <name|file>', 'policy of the catalogue or a file, kept for the next start; default: none')
    .option(
      '--health-interval <seconds>',
      'check this machine, or idle nodes of Slurm, so often, e.g. 300; 0: never (default: never)',
      integer(0, 86_400),
    )
    .option(
      '--health-expect <file>',
      'YAML file that says what it has: orrery health check --expect; nodes of Slurm see it under its path',
    )
    .addOption(new Option('--scheduler <type>', 'who starts next (default: backfill)').choices(SCHEDULER_TYPES))
    .addOption(
      new Option('--backend <name>', 'where jobs run (default: as the home was begun, else local)').choices([
        'local',
        'slurm',
      ]),
    )
    .option(
      '--slurm-host <host>',
      "ssh to this login node for Slurm's commands; none: those of this machine (default: as before, else none)",
    )
    .option('--shared <folder>', 'folder that this machine and all nodes see, for jobs (default: the home)')
    .option('--health-reports <folder>', 'folder in which nodes of Slurm leave what orrery health check --report finds')
    .addOption(
      new Option('--lemons <rule>', 'lemon nodes of Slurm: tell of them, or drain them').choices(['advise', 'drain']),
    )
    .action(up);
}

async function up(options: Options): Promise<void> {
  const home = homeFolder();
  const args = ['--home', home];
  for (const name of ['host', 'port', 'nodes', 'scheduler'] as const) {
    if (options[name] !== undefined) args.push(`--${name}`, String(options[name]));
  }
  const backend = backendArguments(home, options);
  args.push(...backend.args);
  if (backend.remark !== null) note(backend.remark);
  if (options.cluster !== undefined) args.push('--cluster', catalogueFile('cluster', options.cluster));
  if (options.policy !== undefined) args.push('--policy', await policyFile(options.policy));

  const daemon = await startDaemon(home, args, options.detach === true);
  const { pid, url } = daemon.file;
  if (options.json === true) printJson({ pid, url, home });
  else {
    const health = backend.isSlurm ? await connect(home).health() : null;
    print(announcement(daemon, home, health, options.detach === true));
    for (const remark of health?.remarks ?? []) note(`note: ${remark}`);
  }
  if (backend.isSlurm) {
    await noteOutage(connect(home), 'jobs are accepted and handed on once it does, and shown as last seen');
  }
  if (options.detach === true) return;

  // The terminal sends Ctrl-C to the daemon too, which then stops by itself; a plain kill reaches only this process.
  let isSaid = false;
  process.on('SIGINT', () => {
    if (!isSaid) note('stopping; running jobs are left alone and orrery up finds them again');
    isSaid = true;
  });
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => daemon.child.kill(signal));
  throw new ExitStatus(await daemon.ended);
}

/** Path of the file; read here too, so that a bad one is refused before anything is made. */
async function policyFile(nameOrFile: string): Promise<string> {
  if (nameOrFile === 'default') return nameOrFile;
  const [{ parsePolicyFile }, { readText }] = await Promise.all([
    import('../../formats/policy-file.ts'),
    import('../read-text.ts'),
  ]);
  const path = catalogueFile('policy', nameOrFile);
  parsePolicyFile(await readText(path), basename(path));
  return path;
}

function isPolicyNamed(policy: string | undefined): policy is string {
  // Slurm's rules are its own.
  return policy !== undefined && policy !== 'default' && policy !== 'slurm';
}

function announcement(
  { file, logFile }: RunningDaemon,
  home: string,
  slurm: Health | null,
  isDetached: boolean,
): string {
  return [
    `Orrery runs at ${file.url} (pid ${file.pid})`,
    `  home  ${home}`,
    `  log   ${logFile}`,
    ...(slurm === null ? [] : [`  slurm ${slurm.cluster}, ${slurm.nodes} ${slurm.nodes === 1 ? 'node' : 'nodes'}`]),
    ...(isPolicyNamed(file.policy)
      ? [`  rules ${file.policy} (another: orrery up --policy NAME|FILE; none: --policy default)`]
      : []),
    `  stop  ${isDetached ? 'orrery down' : 'Ctrl-C, or orrery down'} (jobs run on; orrery down --cancel ends them)`,
    `  next  orrery run -N 2 --follow -- hostname${isDetached ? '' : '   (in another terminal)'}`,
  ].join('\n');
}
