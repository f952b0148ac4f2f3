/** One JSON document on stdout. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** The answer, on stdout. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Progress and remarks, on stderr, so that stdout holds the answer alone. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}
