import { isErrorCode, OrreryError } from '../contract/errors.ts';
import { errorMessage } from '../lib/error-message.ts';

/** What work that was done in another thread or on another node came to, as plain data. */
export type Answer<Result> = { kind: 'done'; result: Result } | Failed;

interface Failed {
  kind: 'failed';
  /** Of an OrreryError. */
  code: string | null;
  message: string;
  stack: string;
}

/** Never rejects. */
export function answerOf<Result>(work: Promise<Result>): Promise<Answer<Result>> {
  return work.then(
    (result) => ({ kind: 'done', result }),
    (error: unknown) => ({
      kind: 'failed',
      code: error instanceof OrreryError ? error.code : null,
      message: errorMessage(error),
      stack: error instanceof Error ? (error.stack ?? '') : '',
    }),
  );
}

/** What the work threw, to be thrown here. */
export function errorOf({ code, message, stack }: Failed): Error {
  const error = isErrorCode(code) ? new OrreryError(code, message) : new Error(message);
  error.stack = stack;
  return error;
}
