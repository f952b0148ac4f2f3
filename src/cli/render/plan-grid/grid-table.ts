import type { Parallelism } from '../../../planner/parallelism.ts';
import { costOf, type RankedCase, type Work } from '../../plan-grid/pareto-front.ts';
import type { GridReport } from '../../plan-grid/grid-report.ts';
import { tokensText } from '../../plan/request.ts';
import { digits, percent, secondsText, whole } from '../plan-report.ts';
import { type Column, renderTable } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import { workSummary } from './words.ts';

export const OUTCOME_WORDS: Readonly<Record<RankedCase['outcome'], string>> = {
  planned: '',
  doesNotFit: 'does not fit',
  noLayout: 'no layout',
  tooLate: 'too late',
};

/** One table for each work, a row for each case of it, and what the marks mean. */
export function renderGrid(report: GridReport, terminal: Terminal): string {
  const { works, isPriced } = report;
  const tables = works.map((work) =>
    [headline(work, report, terminal), ...workSummary(work, isPriced), workTable(work, report, terminal)].join('\n'),
  );
  const remarks = [
    ...frontRemark(report),
    'DAYS are with failures, restarts and checkpoints',
    ...unbackedRemark(report),
  ];
  return [...tables, remarks.join('\n')].join('\n\n');
}

function frontRemark({ works, isPriced, isInterrupted }: GridReport): string[] {
  if (!works.some(({ cases }) => cases.some(({ isOnFront }) => isOnFront))) return [];
  const [cost, unpriced] = isPriced ? ['cost', ''] : ['GPU-hours', '; --cost-per-gpu-hour gives the cost'];
  const done = isInterrupted ? ', of those that were done,' : '';
  return [
    `* on the Pareto front: no other case of its table${done} is better in time or ${cost} and as good in the other${unpriced}`,
  ];
}

function unbackedRemark({ works }: GridReport): string[] {
  const missing = new Set(works.flatMap(({ cases }) => cases.flatMap(({ best }) => best?.notValidated ?? [])));
  return missing.size === 0 ? [] : [`Not validated by any published run: ${[...missing].join(', ')}`];
}

function headline(
  { model, tokens, sequenceLength }: Work,
  { stack, deadlineSeconds }: GridReport,
  terminal: Terminal,
): string {
  const deadline =
    deadlineSeconds === null ? '' : `, on the fewest nodes that end within ${digits(deadlineSeconds / 86_400)} days`;
  const what = `${model}, ${tokensText(tokens)} tokens in sequences of ${whole(sequenceLength)}`;
  return `${terminal.paint('bold', what)}, ${stack}${deadline}`;
}

function workTable({ cases }: Work, { isPriced }: GridReport, terminal: Terminal): string {
  const right = (header: string, text: (one: RankedCase) => string): Column<RankedCase> => {
    return { header, align: 'right', text };
  };
  const ofBest = (text: (best: NonNullable<RankedCase['best']>) => string) => (one: RankedCase) =>
    one.best === null ? '-' : text(one.best);
  return renderTable<RankedCase>(
    [
      { header: '', text: ({ isOnFront }) => (isOnFront ? '*' : ''), format: () => 'green' },
      { header: 'CLUSTER', text: ({ cluster }) => cluster },
      right('GPUS', ({ gpus }) => whole(gpus)),
      right('BATCH', ({ globalBatch }) => (globalBatch === null ? '-' : whole(globalBatch))),
      right(
        'STEP',
        ofBest(({ iterationSeconds }) => secondsText(iterationSeconds)),
      ),
      right(
        'MFU',
        ofBest(({ mfu }) => percent(mfu)),
      ),
      right(
        'DAYS',
        ofBest(({ expectedDays }) => (expectedDays === null ? 'no end' : digits(expectedDays))),
      ),
      right(
        isPriced ? 'COST' : 'GPU-HOURS',
        ofBest((best) => costText(costOf(best, isPriced))),
      ),
      {
        header: 'LAYOUT',
        isFlexible: true,
        isWrapped: true,
        text: (one) => (one.best === null ? unplannedText(one) : shortLayout(one.best.parallelism)),
        format: ({ best }) => (best === null ? 'red' : null),
      },
    ],
    cases,
    terminal,
  );
}

/** `does not fit: a GPU needs ...`. */
export function unplannedText({ outcome, why }: RankedCase): string {
  return `${OUTCOME_WORDS[outcome]}: ${why ?? ''}`;
}

export function costText(cost: number | null): string {
  return cost === null ? '-' : whole(Math.round(cost));
}

/** What splits the model and the batch: `TP 8 PP 8 DP 16`, and CP and EP where they do. */
export function shortLayout({ tp, pp, dp, cp, ep }: Parallelism): string {
  return `TP ${tp} PP ${pp} DP ${dp}${cp > 1 ? ` CP ${cp}` : ''}${ep > 1 ? ` EP ${ep}` : ''}`;
}
