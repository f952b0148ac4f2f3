import { note } from './output.ts';

/** Ctrl-C ends a command that only watches, with status 130: what it watched runs on, and `farewell` says how to come back. */
export function onInterrupt(farewell: string | null): void {
  process.once('SIGINT', () => {
    if (farewell !== null) note(`\n${farewell}`);
    process.exit(130);
  });
}
