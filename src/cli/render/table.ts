import { displayWidth, type Format, oneLine, type Terminal, truncate, wrap } from './terminal.ts';

export interface Column<Row> {
  header: string;
  text: (row: Row) => string;
  align?: 'right';
  /** Gives way first where the table is wider than the terminal. */
  isFlexible?: true;
  /** Goes on in the next line where it would be cut. */
  isWrapped?: true;
  format?: (row: Row) => Format | null;
}

const GAP = '  ';
const FLEXIBLE_WIDTH_MIN = 6;

/** Rows under a bold header, columns two spaces apart; cut to the terminal's width, whole where the output is no terminal. */
export function renderTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[], terminal: Terminal): string {
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
  const total = widths.reduce((sum, width) => sum + width, 0) + GAP.length * (columns.length - 1);
  for (let excess = total - available; excess > 0; excess -= 1) {
    let widest = -1;
    for (const [index, column] of columns.entries()) {
      if (column.isFlexible && (widths[index] ?? 0) > (widths[widest] ?? FLEXIBLE_WIDTH_MIN)) widest = index;
    }
    if (widest < 0) return;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
}
