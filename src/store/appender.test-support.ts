import { jobSpecSchema } from '../contract/job.ts';
import { toJobRequest } from '../contract/job-request.ts';
import { Store } from './store.ts';

/** Submits jobs, eight requests at a time, and writes the id of each job to stdout once it is acknowledged, until it is killed. */
const store = new Store(process.argv[2] ?? '');
const spec = jobSpecSchema.parse({ name: 'durable', command: ['true'] });
const environment = { PATH: '/bin' };

async function submitForever(): Promise<never> {
  for (;;) {
    const jobId = store.nextJobId();
    const event = { kind: 'JobSubmitted' as const, atMs: 0, job: toJobRequest(jobId, spec, 0) };
    await store.append([{ event, accepted: { spec, environment, code: null } }]);
    process.stdout.write(`${jobId}\n`);
  }
}
await Promise.all(Array.from({ length: 8 }, submitForever));
