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

/** A column with its texts, row by row, and the width that the longest takes. */
interface Filled<Row> {
  column: Column<Row>;
  texts: readonly string[];
  width: number;
}

/** Rows under a bold header, columns two spaces apart; cut to the terminal's width, whole where the output is no terminal. */
export function renderTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[], terminal: Terminal): string {
  const all = columns.map((column) => filled(column, rows));
  const shown = [...all];
  for (const one of all.toReversed()) {
    if (totalOf(shown.map(readableWidth)) <= (terminal.width ?? Infinity)) break;
    if (one.column.isSecondary === true) shown.splice(shown.indexOf(one), 1);
  }
  const table = tableOf(shown, rows, terminal);
  const left = all.filter((one) => !shown.includes(one)).map(({ column }) => column.header);
  return left.length === 0 ? table : `${table}\nIn a wider terminal, or in a pipe, also: ${left.join(', ')}`;
}

function filled<Row>(column: Column<Row>, rows: readonly Row[]): Filled<Row> {
  const texts = rows.map((row) => oneLine(column.text(row)));
  const width = texts.reduce((most, text) => Math.max(most, displayWidth(text)), displayWidth(column.header));
  return { column, texts, width };
}

/** How wide it has to be to be read. */
function readableWidth<Row>({ column, width }: Filled<Row>): number {
  if (column.isFlexible !== true) return width;
  return Math.min(width, column.isWrapped === true ? READABLE_WIDTH.wrapped : READABLE_WIDTH.cut);
}

function totalOf(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, 0) + GAP.length * (widths.length - 1);
}

function tableOf<Row>(shown: readonly Filled<Row>[], rows: readonly Row[], terminal: Terminal): string {
  const columns = shown.map(({ column }) => column);
  const widths = shown.map(({ width }) => width);
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
    const pieces = shown.map(({ column, texts }, at) => {
      const text = texts[index] ?? '';
      return column.isWrapped === true ? wrap(text, widths[at] ?? 0) : [text];
    });
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
