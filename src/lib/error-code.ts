/** The system's name for what went wrong (`ENOENT`, ...), or '' if it was not the system that refused. */
export function errorCode(error: unknown): string {
  if (!(error instanceof Error) || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}
