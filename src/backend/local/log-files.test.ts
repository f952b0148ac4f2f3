import { appendFileSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LauncherFixture } from './launcher-fixture.test-support.ts';
import { droppedFile, logFiles, readLog } from './log-files.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-logs-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('logFiles', () => {
  it('lists what the ranks wrote, by number, stdout first', async () => {
    for (const name of ['rank-10.out', 'rank-2.err', 'rank-2.out', 'rank-2.out.dropped', 'rank-0.exit', 'script'])
      writeFileSync(join(folder, name), '');
    expect((await logFiles(folder)).map(({ rank, stream }) => `${rank} ${stream}`)).toEqual([
      '2 stdout',
      '2 stderr',
      '10 stdout',
    ]);
  });

  it('has nothing for an attempt that never began', async () => {
    expect(await logFiles(join(folder, 'none'))).toEqual([]);
  });
});

describe('readLog', () => {
  const TEXT = 'aé한😀b';

  it.each([4, 5, 6, 7, 100])('reads whole characters in pieces of %d bytes', async (bytesMax) => {
    const path = join(folder, 'log');
    writeFileSync(path, TEXT);
    let text = '';
    let offset = 0;
    for (let piece = await readLog(path, 0, bytesMax); ; piece = await readLog(path, offset, bytesMax)) {
      expect(piece.offset).toBe(offset);
      text += piece.text;
      offset = piece.nextOffset;
      if (piece.isAtEnd) break;
    }
    expect(text).toBe(TEXT);
    expect(offset).toBe(Buffer.byteLength(TEXT));
  });

  it('waits for the rest of a character that is being written', async () => {
    const path = join(folder, 'log');
    const bytes = Buffer.from('x😀');
    writeFileSync(path, bytes.subarray(0, 3));
    expect(await readLog(path, 0, 100)).toMatchObject({ text: 'x', nextOffset: 1, isAtEnd: true });
    appendFileSync(path, bytes.subarray(3));
    expect(await readLog(path, 1, 100)).toMatchObject({ text: '😀', nextOffset: 5 });
  });

  it('gets past bytes that are no characters', async () => {
    const path = join(folder, 'log');
    writeFileSync(path, Buffer.from([0x80, 0x80, 0x80, 0x80, 0x61, 0xff]));
    expect(await readLog(path, 0, 100)).toMatchObject({ text: '����a�', nextOffset: 6 });
  });

  it('skips what was given back, and says how much', async () => {
    const path = join(folder, 'log');
    writeFileSync(path, 'old line\nnew line\n');
    writeFileSync(droppedFile(path), '9\n');
    expect(await readLog(path, 4, 100)).toEqual({
      offset: 9,
      droppedBytes: 5,
      text: 'new line\n',
      nextOffset: 18,
      isAtEnd: true,
    });
    expect(await readLog(path, 13, 100)).toMatchObject({ offset: 13, droppedBytes: 0, text: 'line\n' });
  });
});

describe('the output of a task that writes more than it may keep', () => {
  it('keeps its end on disk and gives the beginning back, at the offsets it was written at', async () => {
    const fixture = new LauncherFixture();
    const launcher = fixture.launcher();
    const logBytesMax = 2 ** 20;
    const lines = 400_000;
    const program = `let text = ''; for (let i = 0; i < ${lines}; i++) text += String(i).padStart(9) + '\\n'; process.stdout.write(text)`;
    const script = `${process.execPath} -e "$PROGRAM"\nwhile [ ! -e seen ]; do sleep 0.05; done\necho end`;
    const plan = fixture.plan({ script }, { logBytesMax, environment: { PROGRAM: program } });
    await launcher.start(plan);
    const path = join(plan.attemptFolder, 'rank-0.out');
    const endMs = Date.now() + 50_000;
    while (Date.now() < endMs && (statSync(path).size < lines * 10 || statSync(path).blocks * 512 > logBytesMax))
      await new Promise((resolve) => {
        setTimeout(resolve, 50);
      });
    fixture.writeWork('seen');
    await launcher.exitOf(plan);
    const { size, blocks } = statSync(path);
    expect(size).toBe(lines * 10 + 4);
    expect(blocks * 512).toBeLessThanOrEqual(logBytesMax);
    const piece = await readLog(path, 0, 16 * 2 ** 20);
    expect(piece.droppedBytes).toBeGreaterThan(size - logBytesMax);
    expect(piece.nextOffset).toBe(size);
    expect(piece.text.includes('\0')).toBe(false);
    expect(piece.text.endsWith(`${String(lines - 1).padStart(9)}\nend\n`)).toBe(true);
    await launcher.close();
    fixture.remove();
  });
});
