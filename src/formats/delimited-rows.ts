export type Separator = ',' | '|' | ';' | '\t';

/** Which of these a header of a CSV is separated by: what splits it into most names. Spreadsheets write semicolons where the comma is the decimal point. */
export function csvSeparator(header: string): ',' | ';' | '\t' {
  const [first] = ([',', ';', '\t'] as const)
    .map((separator) => ({ separator, count: header.split(separator).length }))
    .sort((a, b) => b.count - a.count);
  return first?.separator ?? ',';
}

/** What is wrong with a record where a quote is not closed. */
export const OPEN_QUOTE = 'a quote is not closed';

/** How quotes are read. */
export interface Quotes {
  /** By default what has commas has quotes. */
  hasQuotes?: boolean;
  /** A field begins with a quote that is never closed; absent: of such a line quotes are text like any other. */
  onOpen?: (line: number, found: string) => void;
}

/**
 * Every record of a delimited text, with the line it begins on, from 1. Blank lines and a byte order mark are passed over. In a CSV quoted fields may
 * hold separators, doubled quotes and line ends (RFC 4180). A quote is not closed where none follows, where more text than a separator follows what
 * would close it, or where it would hold a whole line of as many fields as the first record has: then the next record begins on the next line. A quote
 * inside a field is text. `visit` may not keep `fields`.
 */
export function eachRecord(
  text: string,
  separator: Separator,
  visit: (fields: readonly string[], line: number) => void,
  { hasQuotes = separator === ',', onOpen }: Quotes = {},
): void {
  let line = 0;
  let fieldCount = Infinity;
  const visitRecord = (fields: readonly string[], at: number) => {
    if (fieldCount === Infinity) fieldCount = fields.length;
    visit(fields, at);
  };
  for (let start = text.startsWith('\uFEFF') ? 1 : 0; start < text.length; ) {
    const end = lineEnd(text, start);
    line += 1;
    const record = text.slice(start, text[end - 1] === '\r' ? end - 1 : end);
    const next = end + 1;
    if (record.trim() === '') {
      start = next;
      continue;
    }
    if (!hasQuotes || !record.includes('"')) {
      start = next;
      visitRecord(record.split(separator), line);
      continue;
    }
    const quoted = new QuotedRecord(text, start, separator, fieldCount);
    if (quoted.openAt === null) {
      visitRecord(quoted.fields, line);
      line += quoted.lineEnds;
      start = quoted.end + 1;
      continue;
    }
    start = next;
    if (onOpen === undefined) visitRecord(record.split(separator), line);
    else onOpen(line, text.slice(quoted.openAt, quoted.openAt + OPEN_LENGTH_SHOWN).split(/[\r\n]/)[0] ?? '');
  }
}

const QUOTED_LENGTH_MAX = 65_536;
const OPEN_LENGTH_SHOWN = 40;

function lineEnd(text: string, start: number): number {
  const end = text.indexOf('\n', start);
  return end === -1 ? text.length : end;
}

/** The record that begins somewhere in a text, where fields may be quoted. */
class QuotedRecord {
  readonly fields: string[] = [];
  /** Where the quote stands that is never closed; null: all are. */
  readonly openAt: number | null = null;
  /** Of its last character. */
  readonly end: number;
  /** Those in its fields. */
  readonly lineEnds: number = 0;

  constructor(text: string, start: number, separator: Separator, fieldCount: number) {
    let offset = start;
    for (;;) {
      const from = afterBlanks(text, offset, separator);
      if (text[from] === '"') {
        const field = quotedField(text, from, separator, fieldCount);
        if (field === null) {
          this.openAt = from;
          break;
        }
        this.fields.push(field.value);
        this.lineEnds += field.value.split('\n').length - 1;
        offset = field.end;
      } else {
        const first = offset;
        while (!isFieldEnd(text, offset, separator)) offset += 1;
        this.fields.push(text.slice(first, offset));
      }
      if (text[offset] !== separator) break;
      offset += 1;
    }
    this.end = lineEnd(text, offset);
  }
}

/** Null where it is not closed. `start`: of its quote; `end`: past the blanks behind the closing one. */
function quotedField(
  text: string,
  start: number,
  separator: Separator,
  fieldCount: number,
): { value: string; end: number } | null {
  let value = '';
  let separators = 0;
  let isFirstLine = true;
  for (let offset = start + 1; offset < text.length && offset - start < QUOTED_LENGTH_MAX; offset += 1) {
    const character = text[offset] ?? '';
    if (character === '"') {
      if (text[offset + 1] !== '"') {
        const end = afterBlanks(text, offset + 1, separator);
        return isFieldEnd(text, end, separator) ? { value, end } : null;
      }
      offset += 1;
    } else if (character === '\n') {
      isFirstLine = false;
      separators = 0;
    } else if (character === separator && !isFirstLine) {
      separators += 1;
      if (separators >= Math.max(fieldCount - 1, SEPARATORS_MIN)) return null;
    }
    value += character;
  }
  return null;
}

/** A line of fewer fields could be anybody's text. */
const SEPARATORS_MIN = 2;

function afterBlanks(text: string, start: number, separator: Separator): number {
  // A tab is no blank where it separates.
  const blanks = separator === '\t' ? ' ' : ' \t';
  let offset = start;
  while (offset < text.length && blanks.includes(text[offset] ?? '')) offset += 1;
  return offset;
}

function isFieldEnd(text: string, offset: number, separator: Separator): boolean {
  const character = text[offset];
  return (
    character === undefined ||
    character === separator ||
    character === '\n' ||
    (character === '\r' && (text[offset + 1] ?? '\n') === '\n')
  );
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
  const read = (fields: readonly string[], line: number) => {
    if (header === null) {
      header = new Columns(fields.map((name) => name.toLowerCase()));
      for (const column of columns) readers.set(column, header.reader(column));
      return;
    }
    current = fields;
    if (fields.length === header.count) visit(of, line);
    else collector.reject(line, 'not as many fields as the header', `${fields.length} of ${header.count}`);
  };
  eachRecord(text, ',', read, { onOpen: (line, found) => collector.reject(line, OPEN_QUOTE, found) });
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
