import { describe, expect, it } from 'vitest';
import { parseCsv } from './csv.ts';

describe('parseCsv', () => {
  it('reads records under a header, each with its line', () => {
    const { header, records } = parseCsv('a,b\n1,2\n\n3, four \n', 'x.csv');
    expect(header).toEqual({ line: 1, fields: ['a', 'b'] });
    expect(records).toEqual([
      { line: 2, fields: ['1', '2'] },
      { line: 4, fields: ['3', 'four'] },
    ]);
  });

  it('reads what spreadsheets write: a byte order mark, CRLF, quotes, no line end at the end', () => {
    const { header, records } = parseCsv('\uFEFFname,note\r\n"a, ""b""","two\r\nlines"\r\n"" , c', 'x.csv');
    expect(header.fields).toEqual(['name', 'note']);
    expect(records).toEqual([
      { line: 2, fields: ['a, "b"', 'two\r\nlines'] },
      { line: 4, fields: ['', 'c'] },
    ]);
  });

  it('keeps empty fields, also the last', () => {
    expect(parseCsv('a,b,c\n,,\n', 'x.csv').records).toEqual([{ line: 2, fields: ['', '', ''] }]);
  });

  it.each([
    ['', 'x.csv:1 expected a header line, got an empty file'],
    ['a,b\n1\n', 'x.csv:2 expected 2 fields as in the header, got 1'],
    ['a,b\n"x\ny",2,3\n', 'x.csv:2 expected 2 fields as in the header, got 3'],
    ['a,b\n1,"2\n', 'x.csv:2 expected a closing quote before the end of the file'],
    ['a,b\n"x\ny" z,2\n', 'x.csv:3 expected a comma or a line end after the closing quote'],
  ])('refuses %j', (text, message) => {
    expect(() => parseCsv(text, 'x.csv')).toThrow(expect.objectContaining({ code: 'ORR_BAD_FILE', message }));
  });
});
