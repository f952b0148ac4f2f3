import { describe, expect, it } from 'vitest';
import { progressBar } from './progress-bar.ts';
import { type Column, renderTable } from './table.ts';
import { displayWidth, type Terminal } from './terminal.ts';

interface Row {
  id: number;
  name: string;
}

const columns: Column<Row>[] = [
  { header: 'ID', align: 'right', text: (row) => String(row.id) },
  { header: 'NAME', isFlexible: true, text: (row) => row.name },
  { header: 'END', text: () => 'z', format: (row) => (row.id > 9 ? 'red' : null) },
];
const rows: Row[] = [
  { id: 7, name: 'short' },
  { id: 12, name: 'a name that goes on and on' },
];

function terminal(width: number | null): Terminal {
  return {
    width,
    height: null,
    isLive: false,
    hasUnicode: true,
    paint: (format, text) => `<${String(format)}>${text}</>`,
  };
}

const unpainted = (text: string): string => text.replaceAll(/<[^>]*>/g, '');

describe('renderTable', () => {
  it('aligns columns and cuts nothing where there is no terminal', () => {
    expect(unpainted(renderTable(columns, rows, terminal(null)))).toBe(
      [
        'ID  NAME                        END',
        ' 7  short                       z',
        '12  a name that goes on and on  z',
      ].join('\n'),
    );
  });

  it('fits the terminal by cutting flexible columns only', () => {
    const lines = unpainted(renderTable(columns, rows, terminal(20))).split('\n');
    expect(lines.map(displayWidth)).toEqual([20, 18, 18]);
    expect(lines[2]).toBe('12  a name tha…  z');
  });

  it('leaves out what is secondary, the last first, rather than cut flexible columns beyond reading, and says so', () => {
    const wide = [
      ...columns,
      { header: 'FIRST', isSecondary: true as const, text: () => 'aaaaa' },
      { header: 'SECOND', isSecondary: true as const, text: () => 'bbbbbb' },
    ];
    const at = (width: number) => unpainted(renderTable(wide, rows, terminal(width))).split('\n');
    expect(at(36)[0]).toBe('ID  NAME          END  FIRST  SECOND');
    expect(at(35)[0]).toBe('ID  NAME                 END  FIRST');
    expect(at(35).at(-1)).toBe('In a wider terminal, or in a pipe, also: SECOND');
    expect(at(20).at(-1)).toBe('In a wider terminal, or in a pipe, also: FIRST, SECOND');
    // Without a terminal all is there.
    expect(unpainted(renderTable(wide, rows, terminal(null)))).not.toContain('wider');
  });

  it('goes on in the next line where a column is to be whole', () => {
    const wrapped = columns.map((column) => (column.isFlexible ? { ...column, isWrapped: true as const } : column));
    const table = renderTable(wrapped, rows, terminal(20));
    expect(unpainted(table).split('\n').slice(2)).toEqual(['12  a name that  z', '    goes on and', '    on']);
    expect(table.match(/<red>/g)).toHaveLength(1);
    expect(unpainted(renderTable(wrapped, [{ id: 1, name: 'of/one/very/long/word' }], terminal(20)))).toContain(
      ' 1  of/one/very  z\n    /long/word',
    );
  });

  it('paints cells without moving the columns', () => {
    const [, plain, painted] = renderTable(columns, rows, terminal(null)).split('\n');
    expect(plain).not.toContain('<red>');
    expect(painted?.endsWith('<red>z</>')).toBe(true);
  });

  it('keeps a name with a line break on its line', () => {
    expect(renderTable(columns, [{ id: 1, name: 'a\nb' }], terminal(null)).split('\n')).toHaveLength(2);
  });
});

describe('progressBar', () => {
  it('never says 100% before the end, nor leaves its bounds', () => {
    const bar = (fraction: number): string => progressBar(fraction, 4, { hasUnicode: false });
    expect([0, 0.5, 0.999, 1, 7, -1].map(bar)).toEqual([
      '[----]   0%',
      '[##--]  50%',
      '[###-]  99%',
      '[####] 100%',
      '[####] 100%',
      '[----]   0%',
    ]);
    expect(progressBar(0.5, 4, { hasUnicode: true })).toBe('██░░  50%');
  });
});
