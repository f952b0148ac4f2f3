import type { LogChunk } from '../contract/api.ts';
import { OrreryError } from '../contract/errors.ts';

/** How far a reader of a job's logs has come: the attempts before `attempt` whole, of its files these many bytes. */
export class LogPosition {
  attempt: number;
  readonly #offsets: Map<string, number>;

  constructor(attempt: number, offsets: Map<string, number> = new Map()) {
    this.attempt = attempt;
    this.#offsets = offsets;
  }

  /** Reads what `toString` wrote, such as `2|0o512,0e17`. Throws ORR_USAGE for anything else. */
  static parse(text: string): LogPosition {
    const match = /^(\d+)\|((?:\d+[oe]\d+(?:,|$))*)$/.exec(text);
    if (match === null)
      throw new OrreryError('ORR_USAGE', `Last-Event-ID: no position in a log: ${JSON.stringify(text)}`);
    const parts = (match[2] ?? '').split(',').filter((part) => part !== '');
    const offsets = parts.map((part): [string, number] => {
      const [, file = '', offset] = /^(\d+[oe])(\d+)$/.exec(part) ?? [];
      return [file, Number(offset)];
    });
    return new LogPosition(Number(match[1]), new Map(offsets));
  }

  /** Undefined for a file of which nothing was read. */
  offset(rank: number, stream: LogChunk['stream']): number | undefined {
    return this.#offsets.get(fileKey(rank, stream));
  }

  advance(rank: number, stream: LogChunk['stream'], offset: number): void {
    this.#offsets.set(fileKey(rank, stream), offset);
  }

  nextAttempt(): void {
    this.attempt += 1;
    this.#offsets.clear();
  }

  toString(): string {
    const files = [...this.#offsets].map(([file, offset]) => `${file}${offset}`);
    return `${this.attempt}|${files.join(',')}`;
  }
}

function fileKey(rank: number, stream: LogChunk['stream']): string {
  return `${rank}${stream === 'stdout' ? 'o' : 'e'}`;
}
