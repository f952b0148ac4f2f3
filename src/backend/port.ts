import type { EndState, JobState } from '../scheduler/types.ts';

/** What a backend reports of a job it runs or mirrors. */
export interface JobFact {
  jobId: number;
  state: JobState;
  reason: string;
  attempt: number;
  nodeList: readonly string[];
  endState: EndState | null;
}

/** One cluster, whoever schedules it. Every method resolves once the request is durable, not once it is carried out. */
export interface Backend<Job> {
  submit(jobs: readonly Job[]): Promise<void>;
  cancel(jobId: number): Promise<void>;
  signal(jobId: number, signal: NodeJS.Signals): Promise<void>;
  requeue(jobId: number): Promise<void>;
  drain(nodeName: string, reason: string): Promise<void>;
  observe(): Promise<JobFact[]>;
}
