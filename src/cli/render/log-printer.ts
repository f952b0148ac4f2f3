import type { LogChunk } from '../../contract/api.ts';

export interface LogPrinter {
  push(chunk: LogChunk): void;
  /** Writes lines that have no end yet. */
  close(): void;
}

export interface LogSink {
  stdout: (text: string) => void;
  stderr: (text: string) => void;
  /** Remarks of the printer's own. */
  note: (text: string) => void;
}

/**
 * Writes a job's output. With several ranks each line is labelled `rank: ` as by `srun --label`, and lines are written whole; a single rank's
 * output passes through untouched.
 */
export function createLogPrinter(isLabelled: boolean, sink: LogSink): LogPrinter {
  /** Unfinished lines, by rank and stream. */
  const rests = new Map<string, { rank: number; stream: LogChunk['stream']; text: string }>();
  let attempt: number | null = null;

  const flush = (): void => {
    for (const { rank, stream, text } of rests.values()) if (text !== '') sink[stream](`${rank}: ${text}\n`);
    rests.clear();
  };
  return {
    push(chunk) {
      if (attempt !== null && chunk.attempt !== attempt) {
        flush();
        sink.note(`--- attempt ${chunk.attempt} ---`);
      }
      attempt = chunk.attempt;
      if (!isLabelled) return sink[chunk.stream](chunk.text);
      const key = `${chunk.rank} ${chunk.stream}`;
      const lines = ((rests.get(key)?.text ?? '') + chunk.text).split('\n');
      rests.set(key, { rank: chunk.rank, stream: chunk.stream, text: lines.pop() ?? '' });
      if (lines.length > 0) sink[chunk.stream](lines.map((line) => `${chunk.rank}: ${line}\n`).join(''));
    },
    close: flush,
  };
}
