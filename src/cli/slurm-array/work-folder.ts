import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Answer } from '../answer.ts';

/** The folder through which an array's tasks get their work and give their results: on a file system that all nodes share. */
export class WorkFolder<Item, Result> {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** A new one below `parent`, with one file a task. */
  static create<Item, Result>(parent: string, items: readonly Item[]): WorkFolder<Item, Result> {
    mkdirSync(parent, { recursive: true, mode: 0o700 });
    const folder = new WorkFolder<Item, Result>(mkdtempSync(join(parent, 'array-')));
    for (const name of ['items', 'answers', 'logs']) mkdirSync(join(folder.path, name));
    for (const [index, item] of items.entries()) writeFileSync(folder.#item(index), JSON.stringify(item));
    return folder;
  }

  /** As `create` was given it. */
  readItem(index: number): Item {
    const item: Item = JSON.parse(readFileSync(this.#item(index), 'utf8'));
    return item;
  }

  /** Whole or not at all; the last of several runs of a task wins. */
  writeAnswer(index: number, answer: Answer<Result>): void {
    const half = `${this.#answer(index)}.${process.pid}.partial`;
    writeFileSync(half, JSON.stringify(answer));
    renameSync(half, this.#answer(index));
  }

  /** Indices of the tasks that have answered. */
  answered(): number[] {
    return readdirSync(join(this.path, 'answers')).flatMap((name) =>
      /^\d+\.json$/.test(name) ? [Number.parseInt(name, 10)] : [],
    );
  }

  readAnswer(index: number): Answer<Result> {
    const answer: Answer<Result> = JSON.parse(readFileSync(this.#answer(index), 'utf8'));
    return answer;
  }

  /** Pattern of Slurm's for the output of the tasks: `%A` and `%a` are the array and the task. */
  get logPattern(): string {
    return `${this.path.replaceAll('%', '%%')}/logs/%A_%a.log`;
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }

  #item(index: number): string {
    return join(this.path, 'items', `${index}.json`);
  }

  #answer(index: number): string {
    return join(this.path, 'answers', `${index}.json`);
  }
}
