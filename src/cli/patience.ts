import { setTimeout as sleep } from 'node:timers/promises';
import type { OrreryClient } from '../contract/client.ts';
import { OrreryError } from '../contract/errors.ts';
import { connect } from './connection.ts';
import { note } from './output.ts';

/** How long a waiting command puts up with a daemon that is away: a restart takes seconds. */
const AWAY_MS_MAX = 60_000;
const RETRY_MS = 500;

/**
 * Runs `work` to its end through restarts of the daemon (jobs run on meanwhile). `work` is called again, with a fresh client, each time the
 * daemon goes away; it calls `answered` whenever the daemon has answered. A daemon that never answered is an error at once.
 */
export async function throughRestarts<T>(work: (client: OrreryClient, answered: () => void) => Promise<T>): Promise<T> {
  let lastAnswerMs: number | null = null;
  let isAway = false;
  for (;;) {
    try {
      return await work(connect(), () => {
        lastAnswerMs = Date.now();
        if (isAway) note('the daemon is back');
        isAway = false;
      });
    } catch (error) {
      const isUnreachable = error instanceof OrreryError && error.code === 'ORR_UNREACHABLE';
      if (!isUnreachable || lastAnswerMs === null || Date.now() - lastAnswerMs > AWAY_MS_MAX) throw error;
      if (!isAway) note('the daemon is away; waiting up to 60 s for it to come back');
      isAway = true;
      await sleep(RETRY_MS);
    }
  }
}
