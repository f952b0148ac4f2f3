import { note } from '../output.ts';
import { progressLine } from '../render/sim-progress.ts';
import { terminalOf } from '../render/terminal.ts';
import type { SimulationResult } from './simulate.ts';
import { type SimulationRequest, startSimulation } from './simulation.ts';

const REDRAW_MS = 100;
/** Where the line cannot be drawn over, a new one comes this often. */
const LINE_EVERY_MS = 10_000;

/** Runs a scenario and shows on stderr how far it is. Ctrl-C ends it with what is known so far, a second one at once. */
export async function watchSimulation(request: SimulationRequest): Promise<SimulationResult> {
  const terminal = terminalOf(process.stderr);
  const startedMs = performance.now();
  const { board, result } = startSimulation(request);
  const interrupt = () => {
    if (board.isStopping) process.exit(130);
    board.stop();
  };
  const draw = () => {
    const line = progressLine(board.read(), performance.now() - startedMs, terminal);
    if (terminal.isLive) process.stderr.write(`\r\u001b[K${line}`);
    else note(line);
  };
  process.on('SIGINT', interrupt);
  const timer = setInterval(draw, terminal.isLive ? REDRAW_MS : LINE_EVERY_MS);
  try {
    return await result;
  } finally {
    clearInterval(timer);
    if (terminal.isLive) process.stderr.write('\r\u001b[K');
    process.off('SIGINT', interrupt);
  }
}
