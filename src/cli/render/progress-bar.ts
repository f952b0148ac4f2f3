import type { Terminal } from './terminal.ts';

/** `[######----]  60%`, or the same in blocks where the locale has them. `fraction` between 0 and 1. */
export function progressBar(fraction: number, width: number, terminal: Pick<Terminal, 'hasUnicode'>): string {
  const bounded = Math.min(1, Math.max(0, fraction));
  const filled = Math.floor(bounded * width);
  const [full, empty] = terminal.hasUnicode ? ['█', '░'] : ['#', '-'];
  const bar = full.repeat(filled) + empty.repeat(width - filled);
  const percent = `${Math.floor(bounded * 100)}%`.padStart(4);
  return terminal.hasUnicode ? `${bar} ${percent}` : `[${bar}] ${percent}`;
}
