import { OrreryError } from '../contract/errors.ts';

/** An object of a JSON text of which nothing is known yet. */
export type Fields = Readonly<Record<string, unknown>>;

/** Throws ORR_BAD_FILE with the reason in one line. */
export function parseJson(text: string, fileName: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // The message quotes the text around the place, line ends and all.
    const reason = error instanceof Error ? error.message.replace(/\s+/g, ' ') : 'unreadable';
    throw new OrreryError('ORR_BAD_FILE', `${fileName}:1 expected JSON: ${reason}`, { cause: error });
  }
}

/** Without any where it is no object. */
export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}

export function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** On which line each object of a list begins: of the list `name` of the whole object, or of the list that is all there is. The text is known to be JSON. */
export function linesOfList(text: string, name: string | null): number[] {
  const lines: number[] = [];
  const token = /"(?:[^"\\]|\\.)*"(\s*:)?|[[\]{}\n]/g;
  const ownDepth = name === null ? 2 : 3;
  let line = 1;
  let depth = 0;
  let key = '';
  for (const [found, colon] of text.matchAll(token)) {
    if (found === '\n') line += 1;
    else if (found === '{' || found === '[') {
      depth += 1;
      if (depth === ownDepth && found === '{' && (name === null || key === `"${name}"`)) lines.push(line);
    } else if (found === '}' || found === ']') depth -= 1;
    else if (colon !== undefined) {
      if (depth === 1) key = found.slice(0, -colon.length);
      line += colon.split('\n').length - 1;
    }
  }
  return lines;
}
