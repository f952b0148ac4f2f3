export type Separator = ',' | '|' | ';' | '\t';

/** Which of these a header of a CSV is separated by: what splits it into most names. Spreadsheets write semicolons where the comma is the decimal point. */
export function csvSeparator(header: string): ',' | ';' | '\t' {
  const [first] = ([',', ';', '\t'] as const)
    .map((separator) => ({ separator, count: header.split(separator).length }))
    .sort((a, b) => b.count - a.count);
  return first?.separator ?? ',';
}

/**
 * Every record of a delimited text, with the line it begins on, from 1. Blank lines and a byte order mark are passed over. In a CSV, which
 * `hasQuotes` says, by default what has commas, quoted fields may hold separators, doubled quotes and line ends (RFC 4180), and a quote that is never
 * closed ends with its line. `visit` may not keep `fields`.
 */
export function eachRecord(
  text: string,
  separator: Separator,
  visit: (fields: readonly string[], line: number) => void,
  hasQuotes = separator === ',',
): void {
  let line = 0;
  for (let start = text.startsWith('\uFEFF') ? 1 : 0; start < text.length; ) {
    const end = lineEnd(text, start);
    line += 1;
    const record = text.slice(start, text[end - 1] === '\r' ? end - 1 : end);
    start = end + 1;
    if (record.trim() === '') continue;
    if (!hasQuotes || !record.includes('"')) {
      visit(record.split(separator), line);
      continue;
    }
    // A quoted field may go on in the lines after it.
    let whole = record;
    let fields = splitQuoted(whole, separator);
    let next = start;
    while (fields === null && next < text.length) {
      const nextEnd = lineEnd(text, next);
      whole = `${whole}\n${text.slice(next, nextEnd)}`;
      next = nextEnd + 1;
      if (whole.length > QUOTED_LENGTH_MAX) break;
      fields = splitQuoted(whole, separator);
    }
    if (fields === null) {
      visit(record.split(separator), line);
      continue;
    }
    visit(fields, line);
    line += whole.split('\n').length - 1;
    start = Math.max(start, next);
  }
}

const QUOTED_LENGTH_MAX = 65_536;

function lineEnd(text: string, start: number): number {
  const end = text.indexOf('\n', start);
  return end === -1 ? text.length : end;
}

/** Null where a quote is open at the end. */
function splitQuoted(record: string, separator: Separator): string[] | null {
  const fields: string[] = [];
  let field = '';
  let isQuoted = false;
  for (let offset = 0; offset < record.length; offset++) {
    const character = record[offset] ?? '';
    if (character === '"') {
      if (isQuoted && record[offset + 1] === '"') {
        field += '"';
        offset += 1;
      } else isQuoted = !isQuoted;
    } else if (character === separator && !isQuoted) {
      fields.push(field);
      field = '';
    } else field += character;
  }
  if (isQuoted) return null;
  fields.push(field);
  return fields;
}

/**
 * Every record of a CSV under its header: `visit` reads fields by the names of their columns; the empty text where there is no such column. Case does not
 * count in the header. A record that has not as many fields as the header is rejected.
 */
export function eachNamedRecord<Column extends string>(
  text: string,
  columns: readonly Column[],
  collector: { reject: (line: number, reason: string, found: string) => void },
  visit: (of: (column: Column) => string, line: number) => void,
): void {
  let header: Columns | null = null;
  const readers = new Map<string, (fields: readonly string[]) => string>();
  let current: readonly string[] = [];
  const of = (column: Column) => readers.get(column)?.(current) ?? '';
  eachRecord(text, ',', (fields, line) => {
    if (header === null) {
      header = new Columns(fields.map((name) => name.toLowerCase()));
      for (const column of columns) readers.set(column, header.reader(column));
      return;
    }
    current = fields;
    if (fields.length === header.count) visit(of, line);
    else collector.reject(line, 'not as many fields as the header', `${fields.length} of ${header.count}`);
  });
}

/** Where the columns of a header are, by name; blanks around names do not count. */
export class Columns {
  private readonly places: ReadonlyMap<string, number>;
  readonly count: number;
  readonly names: readonly string[];

  constructor(header: readonly string[]) {
    this.names = header.map((name) => name.trim());
    this.count = header.length;
    // Of two columns of one name the first counts.
    this.places = new Map(this.names.map((name, place) => [name, place] as const).toReversed());
  }

  has(name: string): boolean {
    return this.places.has(name);
  }

  /** Reads the field of the column; the empty text where there is no such column. */
  reader(...names: readonly string[]): (fields: readonly string[]) => string {
    const place = names.map((name) => this.places.get(name)).find((found) => found !== undefined);
    return place === undefined ? () => '' : (fields) => fields[place]?.trim() ?? '';
  }
}
