import { type Command, InvalidArgumentError, Option } from 'commander';
import { RECOMPUTES } from '../../planner/parallelism.ts';
import { defineCommand, integer, list } from '../command.ts';
import { note, print, printJson } from '../output.ts';
import { calibrate } from '../plan/calibration.ts';
import { listedValues } from '../plan/listed-values.ts';
import { parseSeconds, parseTokens, STACK_DEFAULT } from '../plan/request.ts';
import { runPlan, ZERO_STAGES } from '../run-plan.ts';
import { validateRuns } from '../plan/run-validation.ts';
import { renderCalibration } from '../render/plan-calibration.ts';
import { renderValidation } from '../render/plan-validation.ts';
import { terminalOf } from '../render/terminal.ts';

const integers = listedValues(
  (text) => (/^\d+$/.test(text) && Number(text) > 0 && Number.isSafeInteger(Number(text)) ? Number(text) : undefined),
  'an integer >= 1',
);
const names = listedValues((text) => (text === '' ? undefined : text), 'a name or a path');

export function register(program: Command): Command {
  const group = defineCommand(program, 'plan', {
    summary: 'Plan a training run: the fastest layout that fits, how long it takes, and why.',
    examples: [
      ['orrery plan --cluster rsc-phase1 --model gpt3-175b --tokens 300B --gpus 1024', 'search all layouts'],
      ['orrery plan --cluster rsc-phase2 --model llama3-70b --tokens 2T --deadline 3w', 'how many nodes?'],
      ['orrery plan --compare rsc-phase1,rsc-phase2 --model gpt3-175b --tokens 300B', 'side by side'],
      ['orrery plan --cluster rsc-phase1,selene --model llama3-70b --tokens 2T --gpus 512,1024,2048', 'each with each'],
    ],
  })
    .option('--cluster <name>', 'name of the catalogue or a cluster file; several: a,b', names)
    .option('--model <name>', 'name of the catalogue or a config.json; several: a,b', names)
    .option(
      '--tokens <n>',
      'tokens to train on: 300B, 1.4T; or several',
      listedValues(parseTokens, 'a number of tokens such as 300B or 1.4T'),
    )
    .option('--gpus <n>', 'GPUs to use; default all of the cluster; several: 256,512', integers)
    .option('--global-batch <n>', "sequences in a step; default by the model's size; or several", integers)
    .option('--seq <n>', 'tokens in a sequence; default the longest; or several', integers)
    .option('--stack <name>', 'training software, or a file of plan calibrate', STACK_DEFAULT)
    .option('--tp <n>', 'fix tensor parallelism', integer(1))
    .option('--pp <n>', 'fix pipeline parallelism', integer(1))
    .option('--dp <n>', 'fix data parallelism', integer(1))
    .option('--cp <n>', 'fix context parallelism', integer(1))
    .option('--ep <n>', 'fix expert parallelism', integer(1))
    .option('--micro-batch <n>', 'fix the sequences in a microbatch', integer(1))
    .option('--interleave <n>', 'fix the model chunks of a pipeline stage', integer(1))
    .addOption(new Option('--recompute <what>', 'fix activation recompute').choices(RECOMPUTES))
    .option('--sequence-parallel', 'fix sequence parallelism on')
    .option('--no-sequence-parallel', 'fix it off')
    .addOption(new Option('--zero <stage>', 'fix the ZeRO stage').choices(ZERO_STAGES.map(String)))
    .option('--offload', 'allow optimizer state in host memory')
    .option(
      '--checkpoint-interval <time>',
      'between checkpoints: 30m; default the optimum',
      checked(parseSeconds, 'a time such as 30m'),
    )
    .option(
      '--cost-per-gpu-hour <amount>',
      'price of a GPU and hour, for the cost; or one for each cluster',
      listedValues(parseAmount, 'an amount > 0', true),
    )
    .option(
      '--deadline <time>',
      'find the fewest nodes that end in time: 3w',
      checked(parseSeconds, 'a time such as 3w'),
    )
    .option('--compare <clusters>', 'names of clusters, the first is the base', list)
    .addOption(new Option('--on <place>', 'plan several cases as an array of Slurm jobs').choices(['slurm']))
    .option('--tasks <n>', 'tasks of that array; default one for 100 cases', integer(1, 1000))
    .option('--report <file>', 'write the plan as an HTML page too')
    .option('--csv <file>', 'write several cases as CSV too')
    .action(runPlan);
  defineCommand(group, 'validate', {
    summary: 'Predict the runs of a CSV file and hold the predictions against what was measured.',
    examples: [
      ['orrery plan validate runs.csv', 'each run, and the errors in all'],
      ['orrery plan validate runs.csv --json', 'the same for a program'],
    ],
  })
    .argument('<file>', 'CSV file of measured runs: docs/guides/planning.md lists the columns')
    .option('--stack <name>', 'training software of all runs, whatever the file says, or a file of plan calibrate')
    .action(async (file: string, options: { stack?: string; json?: boolean }) => {
      const { remarks, ...validation } = await validateRuns(file, options.stack);
      for (const remark of remarks) note(`warning: ${remark}`);
      if (options.json === true) return printJson(validation);
      print(renderValidation(validation, terminalOf(process.stdout)));
    });
  defineCommand(group, 'calibrate', {
    summary: 'Fit the constants of a stack to your own measured runs, for --stack.',
    examples: [
      ['orrery plan calibrate runs.csv --out mine.yaml', 'beginning from megatron-2022'],
      ['orrery plan calibrate runs.csv --stack fsdp --json', 'from another stack, written nowhere'],
    ],
  })
    .argument('<file>', 'CSV file of measured runs, as for plan validate')
    .option('--stack <name>', 'the stack to begin from', STACK_DEFAULT)
    .option('--out <file>', 'where to write the fitted stack; default nowhere')
    .action(async (file: string, options: { stack: string; out?: string; json?: boolean }) => {
      const calibration = await calibrate(file, options.stack, options.out ?? null);
      if (options.json === true) printJson(calibration);
      else print(renderCalibration(calibration, terminalOf(process.stdout)));
    });
  return group;
}

function parseAmount(text: string): number | undefined {
  const amount = Number(text);
  return /^\d+(?:\.\d+)?$/.test(text) && amount > 0 ? amount : undefined;
}

function checked(parse: (text: string) => number | undefined, expected: string): (text: string) => number {
  return (text) => {
    const value = parse(text);
    if (value === undefined) throw new InvalidArgumentError(`Expected ${expected}.`);
    return value;
  };
}
