import { describe, expect, it } from 'vitest';
import { eachRecord } from './delimited-rows.ts';

/** Records as `line: a|b|c`, and quotes that are not closed as `line! found`. */
function read(text: string): string[] {
  const found: string[] = [];
  eachRecord(text, ',', (fields, line) => found.push(`${line}: ${fields.join('|')}`), {
    onOpen: (line, at) => found.push(`${line}! ${at}`),
  });
  return found;
}

describe('a quoted field', () => {
  it('may hold separators, doubled quotes and line ends', () => {
    expect(read('a,b,c\n1,"x, ""y""", 2\r\n"p\nq\r\nr" ,3,"4"\r\n5,"",\n')).toEqual([
      '1: a|b|c',
      '2: 1|x, "y"| 2',
      '3: p\nq\r\nr|3|4',
      '6: 5||',
    ]);
  });

  it('is no field where the quote stands within it', () => {
    expect(read('a,b\n17" rack,2\n3,4"\n')).toEqual(['1: a|b', '2: 17" rack|2', '3: 3|4"']);
  });

  it.each([
    ['to the end of the file', 'a,b,c\n1,2,"x\n', ['1: a|b|c', '2! "x']],
    ['before a line without quotes', 'a,b,c\n1,2,"x\n3,4,y\n5,6,7\n', ['1: a|b|c', '2! "x', '3: 3|4|y', '4: 5|6|7']],
    ['before another quoted field', 'a,b,c\n1,2,"x\n3,4,"y"\n', ['1: a|b|c', '2! "x', '3: 3|4|y']],
    ['before another that is not', 'a,b,c\n1,2,"x\n3,4,"y\n', ['1: a|b|c', '2! "x', '3! "y']],
    ['and text follows what closes it', 'a,b,c\n1,"x"y,2\n3,4,5\n', ['1: a|b|c', '2! "x"y,2', '3: 3|4|5']],
  ])('that is not closed takes no other line with it: %s', (_case, text, expected) => {
    expect(read(text)).toEqual(expected);
  });
});
