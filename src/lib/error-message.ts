/** What went wrong, whatever was thrown. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The same in one line: the first that says something. */
export function errorLine(error: unknown): string {
  const line = errorMessage(error)
    .split('\n')
    .find((text) => text.trim() !== '');
  return line ?? (error instanceof Error ? error.name : '');
}
