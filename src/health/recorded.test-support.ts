import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A recorded output; the README beside it tells where each is from. */
export function recorded(name: string): string {
  return readFileSync(join(import.meta.dirname, 'recorded', name), 'utf8');
}

/**
 * Eight GPUs from the recording of one: the GPU's block again and again under other addresses, the recording's own first. `change` makes of a
 * block what the test is about.
 */
export function eightGpus(name: string, change: (block: string, index: number) => string = (block) => block): string {
  const text = recorded(name);
  const start = /^GPU [0-9A-F]{8}:/m.exec(text)?.index ?? 0;
  const [head, block] = [text.slice(0, start), text.slice(start)];
  const blocks = Array.from({ length: 8 }, (_, index) =>
    change(index === 0 ? block : block.replaceAll(/00000000:[0-9A-F]{2}:/g, `00000000:F${index}:`), index),
  );
  return `${head}${blocks.join('')}`;
}
