import { type Command, InvalidArgumentError, Option } from 'commander';

import { checkpointChoice } from '../../formats/checkpoint-choice.ts';
import { defineCommand, integer, repeated } from '../command.ts';
import { ExitStatus } from '../exit-status.ts';
import { print, printJson } from '../output.ts';
import { terminalOf } from '../render/terminal.ts';
import type { CompareOptions } from '../sim/run-comparison.ts';
import type { SimOptions } from '../sim/run-scenario.ts';

const SEEDS_DEFAULT = 5;
/** What the published figures cover. */
const FIT_DAYS_DEFAULT = 330;
const SEED_MAX = 2 ** 32 - 1;

export function register(program: Command): Command {
  const group = defineCommand(program, 'sim', {
    summary: 'Simulate a cluster: the scheduler of the daemon under a virtual clock, with jobs and failures.',
    examples: [
      ['orrery sim --cluster rsc-phase2 --workload rsc-1 --days 30', 'a month of RSC-1'],
      ['orrery sim --cluster rsc-phase1 --trace jobs.csv --jobs-out out.csv', 'your own jobs'],
      ['orrery sim --trace jobs.csv --slurm-conf /etc/slurm/slurm.conf', 'under your own Slurm'],
    ],
  })
    .option('--scenario <name>', 'a scenario of the catalogue or a file; other options come on top')
    .option('--cluster <name>', 'name of the catalogue or a cluster file')
    .option('--workload <name>', 'synthetic jobs: rsc-1, rsc-2, rsc-phase1, or a file')
    .option('--days <n>', 'days to simulate; a trace runs to its end without', number(0, 100_000))
    .option('--warmup-days <n>', 'first days that count in no measure; default 0', number(0, 100_000))
    .option('--trace <file>', 'jobs of a trace: SWF, sacct, Philly, Helios, openb or CSV, .gz too')
    .option('--seed <n>', 'of all that is drawn; default 1', integer(0, SEED_MAX))
    .option('--load <factor>', 'scale the arrivals of the workload; default 1', number(0, 1000))
    .option('--growth <share>', 'by which arrivals grow until the end: 0.5', number(-0.99, 1000))
    .option('--set <name=value>', 'a figure: nodes=2000, preempt.exemptSeconds=0', repeated)
    .option('--policy <name>', 'scheduling policy: name of the catalogue or a file')
    .option('--slurm-conf <file>', 'nodes and policy of a slurm.conf')
    .option('--topology-conf <file>', 'its topology.conf')
    .option('--qos-dump <file>', 'output of sacctmgr show qos -P')
    .option('--assoc-dump <file>', 'output of sacctmgr show assoc -P')
    .option('--failures <name>', 'rsc-1, rsc-2, llama3, a file, or none')
    .addOption(new Option('--lemons <switch>', 'find and drain lemon nodes; default off').choices(['on', 'off']))
    .option(
      '--checkpoint-interval <time>',
      '60m, young-daly, adaptive or none; default as the jobs say',
      checkpointText,
    )
    .option('--report <file>', 'write the report as an HTML page too')
    .option('--jobs-out <file>', 'write one CSV line a job')
    .action(async (options: SimOptions) => {
      const { runScenario } = await import('../sim/run-scenario.ts');
      await runScenario(options);
    });
  defineCommand(group, 'compare', {
    summary: 'Run scenarios with the same seeds and say what differs, with 95 % intervals.',
    examples: [
      ['orrery sim compare base.yaml larger.yaml', 'what would more nodes change?'],
      ['orrery sim compare base.yaml larger.yaml --report out.html', 'as a page with plots'],
      ['orrery sim compare base.yaml larger.yaml --seeds 40 --on slurm', 'as an array of Slurm jobs'],
      ['orrery sim compare crash-loop-uncapped crash-loop-capped --seeds 8', 'scenarios of the catalogue'],
    ],
  })
    .argument('<base>', 'scenario to compare with: a file, or a name of the catalogue')
    .argument('<variants...>', 'scenarios to hold against it')
    .option('--seeds <n>', 'runs of each scenario', integer(1, 1000), SEEDS_DEFAULT)
    .addOption(new Option('--on <place>', 'run them as an array of Slurm jobs').choices(['slurm']))
    .option('--report <file>', 'write the comparison as an HTML page too')
    .action(async (base: string, variants: string[], options: CompareOptions) => {
      const { runComparison } = await import('../sim/run-comparison.ts');
      await runComparison(base, variants, options);
    });
  defineCommand(group, 'replay', {
    summary: "Replay a daemon's journal: does the scheduler decide again as it did?",
    examples: [
      ['orrery sim replay --journal ~/.local/state/orrery', 'the home of a daemon'],
      ['orrery sim replay --journal ./orrery.db --json', 'a copy of its store'],
    ],
  })
    .option('--journal <path>', 'home of a daemon, or its store; default the home')
    .action(async (options: { journal?: string; json?: boolean }) => {
      const { replayJournal } = await import('../sim/replay.ts');
      const { renderReplay } = await import('../render/sim-replay.ts');
      const { homeFolder } = await import('../home.ts');
      const report = replayJournal(options.journal ?? homeFolder());
      if (options.json === true) printJson(report);
      else print(renderReplay(report));
      if (report.firstDifference !== null) throw new ExitStatus(1);
    });
  defineCommand(group, 'workloads', {
    summary: 'Show how well the synthetic jobs of a workload fit what was published.',
    examples: [
      ['orrery sim workloads', 'all of the catalogue'],
      ['orrery sim workloads rsc-1 --json', 'one, for a program'],
    ],
  })
    .argument('[names...]', 'workloads of the catalogue or files; default all of the catalogue')
    .option('--days <n>', 'days to draw; few draw few of the largest jobs', number(0, 100_000), FIT_DAYS_DEFAULT)
    .action(async (names: string[], options: { days: number; json?: boolean }) => {
      const { fitWorkloads } = await import('../sim/workload-fits.ts');
      const { renderWorkloadFits } = await import('../render/sim-workload-fit.ts');
      const workloads = await fitWorkloads(names, options.days);
      if (options.json === true) printJson({ workloads });
      else print(renderWorkloadFits(workloads, terminalOf(process.stdout)));
    });
  return group;
}

function number(above: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    const isNumber = /^-?\d+(?:\.\d+)?(?:e-?\d+)?$/i.test(text);
    if (isNumber && value <= most && (above < 0 ? value >= above : value > above)) return value;
    throw new InvalidArgumentError(`Expected a number ${above < 0 ? '>=' : '>'} ${above} and <= ${most}.`);
  };
}

function checkpointText(text: string): string {
  if (checkpointChoice(text) === undefined)
    throw new InvalidArgumentError('Expected 60m, young-daly, adaptive or none.');
  return text;
}
