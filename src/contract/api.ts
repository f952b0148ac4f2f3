/** Everything that crosses the HTTP API, version 1, by what it is about. Times are seconds since the epoch (`submitTime`), durations seconds. */
export const API_PREFIX = '/api/v1';

export * from './api/accounting.ts';
export * from './api/daemon.ts';
export * from './api/job-output.ts';
export * from './api/jobs.ts';
export * from './api/nodes.ts';
export * from './api/reservations.ts';
