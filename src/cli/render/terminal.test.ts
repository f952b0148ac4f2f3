import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { displayWidth, oneLine, type Terminal, terminalOf, truncate } from './terminal.ts';

/** As much of a terminal's stream as rendering asks for; colours follow `environment` as on a real one. */
function fakeStream(isTTY: boolean, columns: number, colorDepth = 4): NodeJS.WriteStream {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a test has no terminal of its own
  return Object.assign(new PassThrough(), { isTTY, columns, rows: 10, getColorDepth: () => colorDepth }) as never;
}

describe('terminalOf', () => {
  it('knows no width and no live view where the output is no terminal', () => {
    const terminal = terminalOf(fakeStream(false, 80), {});
    expect([terminal.width, terminal.height, terminal.isLive]).toEqual([null, null, false]);
    expect(terminal.paint('red', 'x')).toBe('x');
  });

  it('paints on a terminal with colours, and not on one without', () => {
    expect(terminalOf(fakeStream(true, 80), {}).paint('red', 'x')).toBe('\u001b[31mx\u001b[39m');
    expect(terminalOf(fakeStream(true, 80, 1), {}).paint('red', 'x')).toBe('x');
  });

  it('does not redraw on a dumb terminal', () => {
    expect(terminalOf(fakeStream(true, 80), { TERM: 'dumb' }).isLive).toBe(false);
    expect(terminalOf(fakeStream(true, 80), { TERM: 'xterm' }).isLive).toBe(true);
  });

  it('reads the locale in the order of the C library', () => {
    const hasUnicode = (env: NodeJS.ProcessEnv): Terminal['hasUnicode'] =>
      terminalOf(fakeStream(true, 80), env).hasUnicode;
    expect(hasUnicode({ LANG: 'en_US.UTF-8' })).toBe(true);
    expect(hasUnicode({ LC_ALL: 'C', LANG: 'en_US.UTF-8' })).toBe(false);
    expect(hasUnicode({})).toBe(false);
  });
});

describe('widths', () => {
  it('counts East Asian letters twice and combining marks not at all', () => {
    expect(['abc', '한국', 'e\u0301', '日本語', '🚀'].map(displayWidth)).toEqual([3, 4, 1, 6, 2]);
  });

  it('cuts to the width, never through a letter', () => {
    expect(truncate('abcdef', 4, '…')).toBe('abc…');
    expect(truncate('한국어', 4, '…')).toBe('한…');
    expect(truncate('abc', 3, '…')).toBe('abc');
  });

  it('keeps names from moving the cursor', () => {
    expect(oneLine('a\u001b[2Jb\nc\u009b')).toBe('a?[2Jb?c?');
    expect(oneLine('a\u202eb\u2066c\u200fd')).toBe('a?b?c?d');
  });
});
