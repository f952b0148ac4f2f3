import { displayWidth, type Format, oneLine, type Terminal, truncate, wrap } from './terminal.ts';

export interface Column<Row> {
  header: string;
  text: (row: Row) => string;
  align?: 'right';
  /** Gives way first where the table is wider than the terminal. */
  isFlexible?: true;
  /** Left out, the last first, where flexible columns could not be read otherwise; a line below the table says so. */
  isSecondary?: true;
  /** Goes on in the next line where it would be cut. */
  isWrapped?: true;
  format?: (row: Row) => Format | null;
}

const GAP = '  ';
const FLEXIBLE_WIDTH_MIN = 6;
/** Narrower than this a text that is cut, or one that goes on in the next line, is hard to read. */
const READABLE_WIDTH = { cut: 12, wrapped: 20 } as const;

/** Rows under a bold header, columns two spaces apart; cut to the terminal's width, whole where the output is no terminal. */
export function renderTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[], terminal: Terminal): string {
  const width = terminal.width ?? Infinity;
  const shown = [...columns];
  for (const column of columns.toReversed()) {
    if (readableWidth(shown, rows) <= width) break;
    if (column.isSecondary === true) shown.splice(shown.indexOf(column), 1);
  }
  const table = tableOf(shown, rows, terminal);
  const left = columns.filter((column) => !shown.includes(column)).map(({ header }) => header);
  return left.length === 0 ? table : `${table}\nIn a wider terminal, or in a pipe, also: ${left.join(', ')}`;
}

/** How wide the table has to be for its flexible columns to be read. */
function readableWidth<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): number {
  const widths = columns.map((column) => {
    const own = Math.max(displayWidth(column.header), ...rows.map((row) => displayWidth(oneLine(column.text(row)))));
    if (column.isFlexible !== true) return own;
    return Math.min(own, column.isWrapped === true ? READABLE_WIDTH.wrapped : READABLE_WIDTH.cut);
  });
  return totalOf(widths);
}

function totalOf(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, 0) + GAP.length * (widths.length - 1);
}

function tableOf<Row>(columns: readonly Column<Row>[], rows: readonly Row[], terminal: Terminal): string {
  const cells = rows.map((row) => columns.map((column) => oneLine(column.text(row))));
  const widths = columns.map((column, index) =>
    Math.max(displayWidth(column.header), ...cells.map((line) => displayWidth(line[index] ?? ''))),
  );
  if (terminal.width !== null) shrink(columns, widths, terminal.width);

  const ellipsis = terminal.hasUnicode ? '…' : '~';
  const line = (texts: readonly string[], formatOf: (index: number) => Format | null): string => {
    const parts = texts.map((text, index) => {
      const width = widths[index] ?? 0;
      const cut = truncate(text, width, ellipsis);
      const padding = ' '.repeat(width - displayWidth(cut));
      const format = formatOf(index);
      const painted = format === null || cut === '' ? cut : terminal.paint(format, cut);
      if (columns[index]?.align === 'right') return padding + painted;
      return index === texts.length - 1 ? painted : painted + padding;
    });
    return parts.join(GAP);
  };
  const header = line(
    columns.map((column) => column.header),
    () => 'bold',
  );
  const body = rows.flatMap((row, index) => {
    const pieces = (cells[index] ?? []).map((text, column) =>
      columns[column]?.isWrapped === true ? wrap(text, widths[column] ?? 0) : [text],
    );
    const height = Math.max(...pieces.map(({ length }) => length));
    const formatOf = (column: number) => columns[column]?.format?.(row) ?? null;
    return Array.from({ length: height }, (_, at) => {
      const whole = line(
        pieces.map((lines) => lines[at] ?? ''),
        formatOf,
      );
      return at === 0 ? whole : whole.trimEnd();
    });
  });
  return [header, ...body].join('\n');
}

/** Takes what is too much from the flexible columns, the widest first. */
function shrink<Row>(columns: readonly Column<Row>[], widths: number[], available: number): void {
  for (let excess = totalOf(widths) - available; excess > 0; excess -= 1) {
    let widest = -1;
    for (const [index, column] of columns.entries()) {
      if (column.isFlexible && (widths[index] ?? 0) > (widths[widest] ?? FLEXIBLE_WIDTH_MIN)) widest = index;
    }
    if (widest < 0) return;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
}
