import { closeSync, openSync, writeSync } from 'node:fs';
import { OrreryError } from '../../contract/errors.ts';
import { errorCode } from '../../lib/error-code.ts';
import type { JobEnd, Observer, TwinJob } from '../../twin/types.ts';

const HEADER = 'job,submit_s,start_s,end_s,state,nodes,attempts\n';
/** Written in pieces of about this many characters. */
const PIECE_LENGTH = 1 << 18;

/** Streams one line a job to a CSV file, in the order in which jobs end. */
export class JobsWriter implements Observer {
  readonly #file: string;
  readonly #nameOf: (job: TwinJob) => string;
  readonly #descriptor: number;
  #piece = HEADER;

  /** `nameOf`: what the job is called in the file. Throws ORR_BAD_FILE where the file cannot be made. */
  constructor(file: string, nameOf: (job: TwinJob) => string) {
    this.#file = file;
    this.#nameOf = nameOf;
    this.#descriptor = this.#guarded(() => openSync(file, 'w'));
  }

  jobEnded({ job, endMs, state, attempts, startMs }: JobEnd): void {
    const start = startMs === null ? '' : seconds(startMs);
    const { submitMs, nodes } = job.request;
    this.#piece += `${this.#nameOf(job)},${seconds(submitMs)},${start},${seconds(endMs)},${state},${nodes},${attempts}\n`;
    if (this.#piece.length >= PIECE_LENGTH) this.#flush();
  }

  close(): void {
    this.#flush();
    this.#guarded(() => closeSync(this.#descriptor));
  }

  #flush(): void {
    const piece = Buffer.from(this.#piece);
    this.#piece = '';
    this.#guarded(() => {
      for (let written = 0; written < piece.length; ) written += writeSync(this.#descriptor, piece, written);
    });
  }

  #guarded<T>(work: () => T): T {
    try {
      return work();
    } catch (cause) {
      throw new OrreryError('ORR_BAD_FILE', `jobs-out: cannot write ${this.#file}: ${errorCode(cause) || 'unwritable'}`, {
        cause,
      });
    }
  }
}

/** Milliseconds as seconds with at most three decimals. */
function seconds(ms: number): string {
  return String(ms / 1000);
}
