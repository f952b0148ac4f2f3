import { OrreryError } from '../contract/errors.ts';

/** One record of a CSV file: its fields by column, and the line it begins on, counted from 1. */
export interface CsvRecord {
  line: number;
  fields: readonly string[];
}

export interface CsvFile {
  header: CsvRecord;
  records: readonly CsvRecord[];
}

/**
 * A comma-separated file with a header line (RFC 4180): quoted fields may hold commas, doubled quotes and line ends; lines end in LF or CRLF; a
 * byte order mark and blank lines are passed over; blanks around an unquoted field are dropped. Throws ORR_BAD_FILE where a quote is not closed or
 * stands inside a field, where a record has not as many fields as the header, and where there is no header.
 */
export function parseCsv(text: string, fileName: string): CsvFile {
  const [header, ...records] = readRecords(text.replace(/^\uFEFF/, ''), fileName);
  if (header === undefined) throw badCsv(fileName, 1, 'expected a header line, got an empty file');
  for (const { line, fields } of records) {
    if (fields.length === header.fields.length) continue;
    throw badCsv(fileName, line, `expected ${header.fields.length} fields as in the header, got ${fields.length}`);
  }
  return { header, records };
}

function readRecords(text: string, fileName: string): CsvRecord[] {
  const records: CsvRecord[] = [];
  let line = 1;
  let offset = 0;
  while (offset < text.length) {
    const firstLine = line;
    const fields: string[] = [];
    for (let isRecordOpen = true; isRecordOpen; ) {
      const field = readField(text, offset, fileName, line);
      fields.push(field.value);
      line += field.lines;
      isRecordOpen = text[field.end] === ',';
      // Past the comma, the LF or the CRLF.
      offset = field.end + (text[field.end] === '\r' ? 2 : 1);
    }
    line += 1;
    if (fields.length > 1 || fields[0] !== '') records.push({ line: firstLine, fields });
  }
  return records;
}

/** The field at `start`, where it ends (on a comma, a line end or the end of the text), and the line ends it holds. */
function readField(
  text: string,
  start: number,
  fileName: string,
  line: number,
): { value: string; end: number; lines: number } {
  const isEnd = (offset: number) =>
    offset >= text.length ||
    text[offset] === ',' ||
    text[offset] === '\n' ||
    (text[offset] === '\r' && text[offset + 1] === '\n');
  let offset = start;
  while (text[offset] === ' ' || text[offset] === '\t') offset += 1;
  if (text[offset] !== '"') {
    let end = offset;
    while (!isEnd(end)) end += 1;
    return { value: text.slice(offset, end).trim(), end, lines: 0 };
  }
  let value = '';
  for (offset += 1; text[offset] !== '"' || text[offset + 1] === '"'; offset += 1) {
    if (offset >= text.length) throw badCsv(fileName, line, 'expected a closing quote before the end of the file');
    if (text[offset] === '"') offset += 1;
    value += text[offset];
  }
  let end = offset + 1;
  while (text[end] === ' ' || text[end] === '\t') end += 1;
  const lines = value.split('\n').length - 1;
  if (isEnd(end)) return { value, end, lines };
  throw badCsv(fileName, line + lines, 'expected a comma or a line end after the closing quote');
}

function badCsv(fileName: string, line: number, what: string): OrreryError {
  return new OrreryError('ORR_BAD_FILE', `${fileName}:${line} ${what}`);
}
