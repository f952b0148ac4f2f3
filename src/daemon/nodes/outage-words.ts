import { AVOIDED_REASON } from '../../backend/port.ts';
import type { NodeOutage } from '../../contract/api.ts';
import { isInService, type NodeState } from '../../cluster/node.ts';
import { HEALTH_REASON } from '../../health/verdict.ts';
import { LEMON_REASON } from '../../scheduler/lemon-facts.ts';
import type { LemonSignal } from '../../scheduler/lemon-history.ts';
import type { LemonEvidence } from '../../scheduler/lemons.ts';

/** What each signal counts, for one and for several; a rate is told with the failures it is of. */
const WORDS: Readonly<Record<LemonSignal, readonly [one: string, several: string] | null>> = {
  excl_jobid_count: ['job keeps off it', 'jobs keep off it'],
  xid_cnt: ['kind of XID error', 'kinds of XID errors'],
  tickets: ['ticket', 'tickets'],
  out_count: ['time out of service', 'times out of service'],
  multi_node_node_fails: ['gang lost', 'gangs lost'],
  single_node_node_fails: ['job of its own lost', 'jobs of its own lost'],
  single_node_node_failure_rate: null,
};

/** What speaks against a lemon, in a few words: `4 gangs lost, 3 kinds of XID errors, 5 times out of service`. */
export function lemonWords(evidence: readonly LemonEvidence[]): string {
  const said = evidence.flatMap(({ signal, value, isExceeded }) => {
    const words = WORDS[signal];
    if (!isExceeded) return [];
    return [
      words === null ? `${Math.round(100 * value)} % of its own jobs lost` : `${value} ${words[value === 1 ? 0 : 1]}`,
    ];
  });
  return said.join(', ');
}

/** What is said of a node that gets no jobs; null for one that does. */
export function nodeOutageOf({ state, reason }: { state: NodeState; reason: string | null }): NodeOutage | null {
  if (reason?.startsWith(AVOIDED_REASON) === true && isInService(state)) {
    const avoided = reason.slice(AVOIDED_REASON.length);
    return avoided.startsWith(LEMON_REASON)
      ? { cause: 'lemon', words: `is a lemon that our jobs keep off${avoided.slice(LEMON_REASON.length)}` }
      : { cause: 'other', words: `is kept off by our jobs: ${avoided}` };
  }
  if (isInService(state)) return null;
  const why = reason === null ? '' : `: ${reason}`;
  if (reason?.startsWith(LEMON_REASON) === true) {
    return { cause: 'lemon', words: `is out as a lemon${reason.slice(LEMON_REASON.length)}` };
  }
  if (reason?.startsWith(HEALTH_REASON) === true) {
    return { cause: 'health', words: `is out after a failed health check: ${reason.slice(HEALTH_REASON.length)}` };
  }
  // Slurm's own reasons; which check it was is in the log of slurmd.
  const [, script] = /^(Prolog|Epilog) error/.exec(reason ?? '') ?? [];
  if (script !== undefined) return { cause: 'health', words: `is out because its ${script.toLowerCase()} failed` };
  if (state === 'down') return { cause: 'down', words: `is down${why}` };
  return { cause: 'other', words: `is ${state}${why}` };
}
