/** Kinds of events in the twin's queue. The subject is a slot, for the last two an incident's number and a node's index. */
export const TASKS_STARTED = 0;
export const TASKS_ENDED = 1;
export const NODES_FREED = 2;
export const CANCELLED_BY_USER = 3;
export const DETECTED = 4;
export const REPAIRED = 5;

/** What the state hash takes in. */
export const HASH_SUBMITTED = 1;
export const HASH_STARTED = 2;
export const HASH_ATTEMPT_ENDED = 3;
export const HASH_REQUEUED = 4;
export const HASH_JOB_ENDED = 5;
export const HASH_NODE = 6;

/** What comes so long after a decision or an end, always the same time. */
export const LAUNCH_LINE = 0;
export const COMPLETE_LINE = 1;
export const LINE_COUNT = 2;
