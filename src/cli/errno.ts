/** The system's word for what went wrong (`ENOENT`, `EACCES`, ...), where the error has one. */
export function errnoOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
}
