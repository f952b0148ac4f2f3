import { taskList } from '../output/array-tasks.ts';

/** How long a call waits for others like it: whoever asks it of a whole array asks it of each task. */
const JOIN_MS = 20;

interface Call {
  taskIds: Set<number>;
  done: Promise<void>;
}

/** Makes one call for all tasks of an array of which the same is asked in the same moment, `uhold 12_[3-9]`: Slurm leaves those together that wait together. */
export class JoinedCalls {
  readonly #run: (verb: string, address: string) => Promise<void>;
  /** By what is asked and the array. */
  readonly #waiting = new Map<string, Call>();

  constructor(run: (verb: string, address: string) => Promise<void>) {
    this.#run = run;
  }

  /** Rejects as the call does that this one is a part of. `expectOwn` comes before it, once: it rejects where the address means another job by now. */
  ask(verb: string, address: string, expectOwn: () => Promise<void>): Promise<void> {
    const [, arrayJobId, taskId] = /^(\d+)_(\d+)$/.exec(address) ?? [];
    if (arrayJobId === undefined) return expectOwn().then(() => this.#run(verb, address));
    const key = `${verb} ${arrayJobId}`;
    let call = this.#waiting.get(key);
    if (call === undefined) {
      const taskIds = new Set<number>();
      const done = new Promise((resolve) => setTimeout(resolve, JOIN_MS)).then(async () => {
        this.#waiting.delete(key);
        await expectOwn();
        return this.#run(verb, `${arrayJobId}_[${taskList([...taskIds].sort((a, b) => a - b))}]`);
      });
      call = { taskIds, done };
      this.#waiting.set(key, call);
    }
    call.taskIds.add(Number(taskId));
    return call.done;
  }
}
