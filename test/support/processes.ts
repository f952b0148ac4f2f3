import { readdirSync, readFileSync } from 'node:fs';

/** A process of this machine. */
export interface ProcessView {
  pid: number;
  parent: number;
  /** Its words, each ended by NUL. */
  command: string;
  /** `NAME=VALUE`, each ended by NUL: whatever else it did, it cannot shed what it was started with. */
  environment: string;
}

/** All processes that can be looked into and have not ended meanwhile. */
export function readProcesses(): ProcessView[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const read = (file: string) => readFileSync(`/proc/${name}/${file}`, 'utf8');
      const parent = Number(/^PPid:\s*(\d+)/m.exec(read('status'))?.[1] ?? 0);
      return [{ pid: Number(name), parent, command: read('cmdline'), environment: read('environ') }];
    } catch {
      return [];
    }
  });
}
