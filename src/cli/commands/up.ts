import { type Command, Option } from 'commander';
import { SCHEDULER_TYPES } from '../../scheduler/policy.ts';
import { defineCommand, integer } from '../command.ts';
import { clusterFile } from '../cluster-argument.ts';
import { type RunningDaemon, startDaemon } from '../daemon-process.ts';
import { ExitStatus } from '../exit-status.ts';
import { homeFolder } from '../home.ts';
import { note, print, printJson } from '../output.ts';

interface Options {
  detach?: boolean;
  host?: string;
  port?: number;
  nodes?: number;
  cluster?: string;
  scheduler?: string;
  json?: boolean;
}

export function register(program: Command): Command {
  return defineCommand(program, 'up', {
    summary: 'Start the daemon on this machine: in the foreground until Ctrl-C, or in the background. Jobs outlive it.',
    examples: [
      ['orrery up', 'in this terminal; Ctrl-C stops it'],
      ['orrery up --detach --nodes 3', 'in the background, with three virtual nodes'],
      ['orrery up --detach --port 0 --json', 'any free port; prints {pid, url, home}'],
    ],
  })
    .option('-d, --detach', 'return once it answers')
    .option('--host <address>', 'address to listen on (default: 127.0.0.1)')
    .option('--port <n>', 'port to listen on; 0 is any (default: 7077 or the next free one)', integer(0, 65_535))
    .option('--nodes <n>', 'virtual nodes that share this machine', integer(1, 10_000))
    .option('--cluster <name|file>', 'cluster of the catalogue or a cluster file')
    .addOption(new Option('--scheduler <type>', 'who starts next (default: backfill)').choices(SCHEDULER_TYPES))
    .action(up);
}

async function up(options: Options): Promise<void> {
  const home = homeFolder();
  const args = ['--home', home];
  for (const name of ['host', 'port', 'nodes', 'scheduler'] as const) {
    if (options[name] !== undefined) args.push(`--${name}`, String(options[name]));
  }
  if (options.cluster !== undefined) args.push('--cluster', clusterFile(options.cluster));

  const daemon = await startDaemon(home, args, options.detach === true);
  const { pid, url } = daemon.file;
  if (options.json === true) printJson({ pid, url, home });
  else print(announcement(daemon, home, options.detach === true));
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

function announcement({ file, logFile }: RunningDaemon, home: string, isDetached: boolean): string {
  return [
    `Orrery runs at ${file.url} (pid ${file.pid})`,
    `  home  ${home}`,
    `  log   ${logFile}`,
    `  stop  ${isDetached ? 'orrery down' : 'Ctrl-C, or orrery down'} (jobs run on; orrery down --cancel ends them)`,
    `  next  orrery run -N 2 --follow -- hostname${isDetached ? '' : '   (in another terminal)'}`,
  ].join('\n');
}
