import { styleText } from 'node:util';

export type Format = Parameters<typeof styleText>[0];

/** What rendering needs to know of where the text goes. */
export interface Terminal {
  /** Columns; null where the output is no terminal, so that nothing is cut for machines. */
  width: number | null;
  /** Lines; null where the output is no terminal. */
  height: number | null;
  /** True where earlier lines can be drawn over. */
  isLive: boolean;
  hasUnicode: boolean;
  paint: (format: Format, text: string) => string;
}

/**
 * Colours follow NO_COLOR, FORCE_COLOR and TERM (`styleText` asks the stream); the bars' glyphs follow the locale, in the order the C
 * library reads it: LC_ALL, LC_CTYPE, LANG.
 */
export function terminalOf(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv = process.env): Terminal {
  // Absent where the output is a file or a pipe.
  const { isTTY } = stream;
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '';
  return {
    width: isTTY ? Math.max(20, stream.columns || 80) : null,
    height: isTTY ? Math.max(5, stream.rows || 24) : null,
    isLive: isTTY ? env['TERM'] !== 'dumb' : false,
    hasUnicode: /utf-?8/i.test(locale),
    paint: (format, text) => styleText(format, text, { stream }),
  };
}

const WIDE =
  /^(?:\p{Emoji_Presentation}|[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\u3000-\u303e\uff01-\uff60])/u;
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

function cellWidth(grapheme: string): number {
  return WIDE.test(grapheme) ? 2 : 1;
}

/** Columns a text takes: East Asian letters and emoji count two, marks that join their letter none. */
export function displayWidth(text: string): number {
  // oxlint-disable-next-line no-control-regex
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemes.segment(text)) width += cellWidth(segment);
  return width;
}

/** At most `width` columns, the last one an ellipsis where something was cut. */
export function truncate(text: string, width: number, ellipsis: string): string {
  if (displayWidth(text) <= width) return text;
  let kept = '';
  let used = displayWidth(ellipsis);
  for (const { segment } of graphemes.segment(text)) {
    used += cellWidth(segment);
    if (used > width) break;
    kept += segment;
  }
  return kept + ellipsis;
}

/** Lines of at most `width` columns (two or more), broken at blanks; a word that is longer is broken anywhere. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (displayWidth(longer) <= width) {
      line = longer;
      continue;
    }
    if (line !== '') lines.push(line);
    line = word;
    while (displayWidth(line) > width) {
      const head = truncate(line, width, '');
      lines.push(head);
      line = line.slice(head.length);
    }
  }
  return [...lines, line];
}

/** Text from outside (names, reasons) on one line, unable to move the cursor, recolour the terminal or turn the reading direction. */
export function oneLine(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, '?');
}
