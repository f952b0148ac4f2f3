import { type Command, InvalidArgumentError, Option } from 'commander';
import { RECOMPUTES } from '../../planner/parallelism.ts';
import { defineCommand, integer, list } from '../command.ts';
import { ExitStatus } from '../exit-status.ts';
import { note, print, printJson } from '../output.ts';
import { calibrate } from '../plan/calibration.ts';
import { compareClusters } from '../plan/comparison.ts';
import { fewestGpus } from '../plan/deadline.ts';
import { writePlanPage } from '../plan/page-file.ts';
import { makePlan, type PlanReport } from '../plan/plan.ts';
import {
  badRequest,
  parseSeconds,
  parseTokens,
  type PlanOptions,
  type PlanRequest,
  readRequest,
  resolveRequest,
  STACK_DEFAULT,
  withGpus,
} from '../plan/request.ts';
import { validateRuns } from '../plan/run-validation.ts';
import { renderCalibration } from '../render/plan-calibration.ts';
import { renderComparison } from '../render/plan-comparison.ts';
import { renderDeadline } from '../render/plan-deadline.ts';
import { renderPlan } from '../render/plan-report.ts';
import { renderValidation } from '../render/plan-validation.ts';
import { terminalOf } from '../render/terminal.ts';

const ZERO_STAGES = [0, 1, 2, 3] as const;

interface Options extends Omit<PlanOptions, 'cluster' | 'zero'> {
  cluster?: string;
  zero?: string;
  compare?: string[];
  deadline?: number;
  report?: string;
  json?: boolean;
}

export function register(program: Command): Command {
  const group = defineCommand(program, 'plan', {
    summary: 'Plan a training run: the fastest layout that fits, how long it takes, and why.',
    examples: [
      ['orrery plan --cluster rsc-phase1 --model gpt3-175b --tokens 300B --gpus 1024', 'search all layouts'],
      ['orrery plan --cluster rsc-phase2 --model llama3-70b --tokens 2T --deadline 3w', 'how many nodes?'],
      ['orrery plan --compare rsc-phase1,rsc-phase2 --model gpt3-175b --tokens 300B', 'side by side'],
    ],
  })
    .option('--cluster <name>', 'name of the catalogue or a cluster file')
    .option('--model <name>', 'name of the catalogue or a config.json')
    .option(
      '--tokens <n>',
      'tokens to train on: 300B, 1.4T',
      checked(parseTokens, 'a number of tokens such as 300B or 1.4T'),
    )
    .option('--gpus <n>', 'GPUs to use; default all of the cluster', integer(1))
    .option('--global-batch <n>', "sequences in a step; default by the model's size", integer(1))
    .option('--seq <n>', 'tokens in a sequence; default the longest', integer(1))
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
      'price of a GPU and hour, for the cost',
      checked(parseAmount, 'an amount > 0'),
    )
    .option(
      '--deadline <time>',
      'find the fewest nodes that end in time: 3w',
      checked(parseSeconds, 'a time such as 3w'),
    )
    .option('--compare <clusters>', 'names of clusters, the first is the base', list)
    .option('--report <file>', 'write the plan as an HTML page too')
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

async function runPlan({ cluster, compare, deadline, report, zero, json, ...given }: Options): Promise<void> {
  if (given.model === undefined) throw badRequest('model: missing: give --model NAME; `orrery models` lists them');
  if (given.tokens === undefined) throw badRequest('tokens: missing: give --tokens, such as --tokens 300B');
  const stage = ZERO_STAGES.find((known) => String(known) === zero);
  const options = { ...given, ...(stage === undefined ? {} : { zero: stage }) };
  if (compare !== undefined) {
    if (compare.length < 2) throw badRequest('compare: expected two clusters or more, such as rsc-phase1,rsc-phase2');
    if (cluster !== undefined || deadline !== undefined) {
      throw badRequest('compare: expected neither --cluster nor --deadline with it');
    }
    if (report !== undefined) throw badRequest('compare: expected no --report with it, which shows one cluster');
    const clusters = await compareClusters(compare, options);
    if (json === true) return printJson({ clusters });
    return print(renderComparison(clusters, terminalOf(process.stdout)));
  }
  if (cluster === undefined) throw badRequest('cluster: missing: give --cluster NAME; `orrery clusters` lists them');
  if (deadline === undefined) {
    const request = await resolveRequest({ ...options, cluster });
    const plan = await makePlan(request);
    await writeReport(report, plan, request);
    if (json === true) printJson(plan);
    else print(renderPlan(plan, terminalOf(process.stdout)));
    if (!plan.fits) throw new ExitStatus(1);
    return;
  }
  const request = await readRequest({ ...options, cluster });
  const answer = fewestGpus(request, deadline);
  const sized = withGpus(request, answer.gpus);
  const plan = await makePlan(sized);
  await writeReport(report, plan, sized);
  if (json === true) printJson({ deadline: answer, ...plan });
  else print(`${renderDeadline(answer, plan)}\n\n${renderPlan(plan, terminalOf(process.stdout))}`);
  if (!answer.isMet) throw new ExitStatus(1);
}

async function writeReport(file: string | undefined, plan: PlanReport, request: PlanRequest): Promise<void> {
  if (file === undefined) return;
  await writePlanPage(file, plan, request, process.argv.slice(2));
  note(`wrote ${file}`);
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
