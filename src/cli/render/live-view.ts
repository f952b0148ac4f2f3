/** Hides the cursor and lets the terminal cut lines that are too wide: a wrapped one would spoil the next redraw. */
const BEGIN = '\u001b[?25l\u001b[?7l';
const END = '\u001b[?25h\u001b[?7h';
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';

/** A block of lines redrawn in place at the bottom of the terminal. */
export interface LiveView {
  draw(lines: readonly string[]): void;
}

/** For terminals only (`Terminal.isLive`). Lines beyond the screen's height are left out and counted. */
export function openLiveView(stream: NodeJS.WriteStream): LiveView {
  let drawn = 0;
  stream.write(BEGIN);
  process.once('exit', () => stream.write(END));
  return {
    draw(lines) {
      const height = (stream.rows || 24) - 1;
      const hidden = lines.length - height + 1;
      const visible = lines.length > height ? [...lines.slice(0, height - 1), `... ${hidden} more`] : lines;
      const up = drawn > 0 ? `\u001b[${drawn}A\r` : '';
      stream.write(`${up}${visible.map((line) => `${line}${CLEAR_LINE}\n`).join('')}${CLEAR_BELOW}`);
      drawn = visible.length;
    },
  };
}
