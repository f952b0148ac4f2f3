const CURSOR_HIDE = '\u001b[?25l';
const CURSOR_SHOW = '\u001b[?25h';
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';

/** A block of lines redrawn in place at the bottom of the terminal. */
export interface LiveView {
  /** Lines must not be wider than the terminal. */
  draw(lines: readonly string[]): void;
  /** Leaves the last drawing on the screen and gives the cursor back. */
  close(): void;
}

/** For terminals only (`Terminal.isLive`). Lines beyond the screen's height are left out and counted. */
export function openLiveView(stream: NodeJS.WriteStream): LiveView {
  let drawn = 0;
  stream.write(CURSOR_HIDE);
  const showCursor = (): void => {
    stream.write(CURSOR_SHOW);
  };
  process.once('exit', showCursor);
  return {
    draw(lines) {
      const height = (stream.rows || 24) - 1;
      const hidden = lines.length - height + 1;
      const visible = lines.length > height ? [...lines.slice(0, height - 1), `... ${hidden} more`] : lines;
      const up = drawn > 0 ? `\u001b[${drawn}A\r` : '';
      stream.write(`${up}${visible.map((line) => `${line}${CLEAR_LINE}\n`).join('')}${CLEAR_BELOW}`);
      drawn = visible.length;
    },
    close() {
      process.off('exit', showCursor);
      showCursor();
    },
  };
}
