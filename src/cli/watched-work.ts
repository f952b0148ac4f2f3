import { note } from './output.ts';
import { progressBar } from './render/progress-bar.ts';
import { terminalOf } from './render/terminal.ts';

const REDRAW_MS = 100;
const CLEAR_LINE = '\r\u001b[K';
const BAR_WIDTH = 24;

/** What work in many parts tells of itself meanwhile, and asks. */
export interface WorkControl {
  /** Told how far all parts together are, in parts. */
  onProgress: (done: number) => void;
  /** Told what there is to say meanwhile, in a line. */
  onRemark: (line: string) => void;
  /** True once Ctrl-C came: to end with what there is. */
  isStopping: () => boolean;
}

/** Results of parts in their order; null for those that were not done when Ctrl-C came. */
export interface WatchedResults<Result> {
  results: (Result | null)[];
  isInterrupted: boolean;
}

/**
 * Shows on stderr how far work in `count` parts is, as `3 of 10 runs`. Ctrl-C asks the work to stop, a second one ends this process at once.
 */
export async function watchWork<Result>(
  count: number,
  noun: string,
  work: (control: WorkControl) => Promise<(Result | null)[]>,
): Promise<WatchedResults<Result>> {
  let isInterrupted = false;
  let done = 0;
  const interrupt = () => {
    if (isInterrupted) process.exit(130);
    isInterrupted = true;
  };
  const terminal = terminalOf(process.stderr);
  const draw = () => {
    const bar = progressBar(done / count, BAR_WIDTH, terminal);
    process.stderr.write(`${CLEAR_LINE}${bar}  ${Math.floor(done)} of ${count} ${noun}`);
  };
  const timer = terminal.isLive ? setInterval(draw, REDRAW_MS) : null;
  process.on('SIGINT', interrupt);
  try {
    const results = await work({
      onProgress: (parts) => (done = parts),
      // In the place of the bar, which is drawn anew below it.
      onRemark: (line) => note(`${terminal.isLive ? CLEAR_LINE : ''}${line}`),
      isStopping: () => isInterrupted,
    });
    return { results, isInterrupted };
  } finally {
    process.off('SIGINT', interrupt);
    if (timer !== null) {
      clearInterval(timer);
      process.stderr.write(CLEAR_LINE);
    }
  }
}
