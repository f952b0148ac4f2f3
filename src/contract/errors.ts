/** Every error a user can meet has a stable code here; the code decides the exit status and the HTTP status. */
export const ERROR_CODES = {
  ORR_INTERNAL: { exit: 1, http: 500 },
  ORR_FAILED: { exit: 1, http: 500 },
  ORR_STORAGE: { exit: 1, http: 507 },
  ORR_PYTHON_MISSING: { exit: 1, http: 500 },
  ORR_USAGE: { exit: 2, http: 400 },
  ORR_BAD_FILE: { exit: 2, http: 400 },
  ORR_BAD_JOB: { exit: 2, http: 400 },
  ORR_UNKNOWN_CLUSTER: { exit: 2, http: 400 },
  ORR_PORT_IN_USE: { exit: 2, http: 409 },
  ORR_NOT_FOUND: { exit: 3, http: 404 },
  ORR_REFUSED: { exit: 4, http: 403 },
  ORR_CONFLICT: { exit: 4, http: 409 },
  ORR_HOME_LOCKED: { exit: 4, http: 409 },
  ORR_NEWER_STORE: { exit: 4, http: 409 },
  ORR_UNREACHABLE: { exit: 5, http: 503 },
  ORR_INTERRUPTED: { exit: 130, http: 499 },
} as const satisfies Record<string, { exit: number; http: number }>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** An error with one clear line for the user: what, where, how to mend it. */
export class OrreryError extends Error {
  override readonly name = 'OrreryError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }

  /** Process exit status: 1 failed, 2 the request was wrong, 3 not found, 4 refused, 5 daemon unreachable, 130 interrupted. */
  get exitCode(): number {
    return ERROR_CODES[this.code].exit;
  }
}

/** True for a string that is one of the codes above. */
export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(ERROR_CODES, value);
}
