import { progressBar } from '../render/progress-bar.ts';
import type { Terminal } from '../render/terminal.ts';
import type { DrillEvent, DrillReport } from './training-drill.ts';

export interface DemoReport extends DrillReport {
  /** Trained, lost a node, resumed and evaluated. */
  isWhole: boolean;
  /** Folder of the model; null if none was made. */
  model: string | null;
  /** Wall time of the whole demo. */
  seconds: number;
}

const PLAIN_LINE_EVERY = 0.05;

/** Progress of the drill on stderr: one line redrawn on a terminal, a plain line every 5 % elsewhere. */
export class DrillDisplay {
  readonly #stream: NodeJS.WriteStream;
  readonly #terminal: Terminal;
  readonly #startedMs = Date.now();
  #hasLiveLine = false;
  #nextPlain = 0;

  constructor(stream: NodeJS.WriteStream, terminal: Terminal) {
    this.#stream = stream;
    this.#terminal = terminal;
  }

  say(text: string): void {
    this.endLine();
    const seconds = ((Date.now() - this.#startedMs) / 1000).toFixed(0).padStart(4);
    this.#stream.write(`${this.#terminal.paint('dim', `${seconds} s`)}  ${text}\n`);
  }

  /** Leaves a half-drawn progress line behind and begins a new one. */
  endLine(): void {
    if (this.#hasLiveLine) this.#stream.write('\n');
    this.#hasLiveLine = false;
  }

  show(event: DrillEvent): void {
    const { paint } = this.#terminal;
    switch (event.kind) {
      case 'submitted':
        return this.say(`job ${event.jobId} submitted: a gang of 2 nodes, all or nothing`);
      case 'started':
        return this.say(`attempt ${event.attempt} runs on ${event.nodeList.join(' and ')}`);
      case 'nodeFailed':
        return this.say(
          `${paint('red', `node ${event.nodeName} killed`)} at step ${event.step}; the last checkpoint is of step ${event.checkpointStep}`,
        );
      case 'resumed':
        return this.say(`${paint('green', 'resumed')} from the checkpoint of step ${event.step}`);
      case 'evaluated':
        return this.say(`evaluated on held-out articles: ${event.labels} languages`);
      case 'progress':
        return this.#progress(event);
    }
  }

  #progress(event: Extract<DrillEvent, { kind: 'progress' }>): void {
    const fraction = event.steps === 0 ? 0 : event.step / event.steps;
    const rate = `${Math.round(event.samplesPerSecond)} samples/s`;
    const facts = `step ${event.step}/${event.steps}  loss ${event.loss.toFixed(3)}  ${rate}`;
    if (this.#terminal.isLive) {
      this.#stream.write(`\r\u001b[K        ${progressBar(fraction, 30, this.#terminal)}  ${facts}`);
      this.#hasLiveLine = true;
    } else if (fraction >= this.#nextPlain) {
      this.#nextPlain = fraction + PLAIN_LINE_EVERY;
      this.say(`${String(Math.round(fraction * 100)).padStart(3)} %  ${facts}`);
    }
  }
}

const percent = (value: number | null) => (value === null ? 'not measured' : `${(value * 100).toFixed(1)} %`);
const seconds = (value: number | null) => (value === null ? 'not measured' : `${value.toFixed(1)} s`);

/** What happened, in the order a newcomer asks. */
export function renderReport(report: DemoReport, terminal: Terminal): string {
  const attempts = report.attempts
    .map((attempt) => `${attempt.state} on ${attempt.nodeList.join(', ')}`)
    .join('; then ');
  const lost =
    report.stepsLost === null
      ? 'none: it never resumed'
      : `${report.stepsLost} of ${report.steps} (killed at ${report.stepAtFailure}, resumed at ${report.resumedFromStep})`;
  const rows: [string, string][] = [
    ['languages', String(report.languages ?? 'not evaluated')],
    [
      'accuracy',
      `${percent(report.accuracy)} on whole sentences, ${percent(report.accuracy30)} on their first 30 characters (macro, held-out articles)`,
    ],
    ['attempts', attempts],
    ['node killed', report.failedNode ?? 'none'],
    ['steps lost', lost],
    ['downtime', `${seconds(report.downtimeSeconds)} from the kill to the next new step`],
    ['ETTR', `${percent(report.ettr)} (effective training time ratio)`],
    ['total', seconds(report.seconds)],
    ['model', report.model ?? 'none'],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(([name, value]) => `  ${terminal.paint('bold', name.padEnd(width))}  ${value}`);
  const { isWhole } = report;
  const headline = isWhole
    ? 'A model was trained, lost a node, resumed and finished.'
    : 'The run did not finish as it should.';
  const next = isWhole
    ? [
        '',
        'Try next:',
        '  npx orrery identify "이것은 무슨 언어입니까"',
        '  npx orrery sim --scenario rsc-phase1 --days 7',
        '  npx orrery up --detach',
        '  npx orrery run -N 2 --gpus-per-node 1 --follow -- sh -c \'echo "rank $RANK of $WORLD_SIZE on $ORRERY_NODE"\'',
      ]
    : [];
  return ['', terminal.paint(isWhole ? 'green' : 'red', headline), '', ...lines, ...next, ''].join('\n');
}
