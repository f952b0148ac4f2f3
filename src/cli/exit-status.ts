/** Ends a command with this status and says nothing more, e.g. with a job's own exit code. */
export class ExitStatus extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`exit status ${status}`);
    this.status = status;
  }
}
