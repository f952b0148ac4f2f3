import { InvalidArgumentError } from 'commander';

/** Option parser for one value or several with commas between them, each once unless `isRepeatable`. `expected`: what one is. */
export function listedValues<Value>(
  parse: (text: string) => Value | undefined,
  expected: string,
  isRepeatable = false,
): (text: string) => Value[] {
  return (text) => {
    const parts = text.split(',').map((part) => part.trim());
    const values: Value[] = [];
    for (const part of parts) {
      const value = parse(part);
      if (value === undefined) {
        throw new InvalidArgumentError(
          `Expected ${expected}${parts.length > 1 ? ` in place of ${JSON.stringify(part)}` : ''}.`,
        );
      }
      if (!isRepeatable && values.includes(value))
        throw new InvalidArgumentError(`Expected different values, not ${part} again.`);
      values.push(value);
    }
    return values;
  };
}
