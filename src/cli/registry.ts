import type { Command } from 'commander';

export interface CommandEntry {
  name: string;
  summary: string;
  /** Only the module of the command that runs is loaded: `orrery run` has 150 ms from start to acknowledgement. */
  load: () => Promise<{ register: (program: Command) => Command }>;
}

/** In the order of the help. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'demo',
    summary: 'Train a model across nodes, lose one, and watch it finish',
    load: () => import('./commands/demo.ts'),
  },
  { name: 'up', summary: 'Start the daemon on this machine', load: () => import('./commands/up.ts') },
  { name: 'down', summary: 'Stop the daemon; its jobs run on', load: () => import('./commands/down.ts') },
  {
    name: 'doctor',
    summary: 'Check what this machine has and what is missing',
    load: () => import('./commands/doctor.ts'),
  },
  { name: 'run', summary: 'Submit a job', load: () => import('./commands/run.ts') },
  { name: 'shell', summary: 'Type to a program inside an allocation', load: () => import('./commands/shell.ts') },
  { name: 'queue', summary: 'List jobs', load: () => import('./commands/queue.ts') },
  { name: 'why', summary: 'Say why a job waits or how it ended', load: () => import('./commands/why.ts') },
  { name: 'job', summary: 'Show all about one job', load: () => import('./commands/job.ts') },
  { name: 'logs', summary: 'Print what a job wrote', load: () => import('./commands/logs.ts') },
  { name: 'wait', summary: 'Wait for jobs to end', load: () => import('./commands/wait.ts') },
  { name: 'cancel', summary: 'Cancel jobs', load: () => import('./commands/cancel.ts') },
  { name: 'requeue', summary: 'Put jobs back in the queue', load: () => import('./commands/requeue.ts') },
  { name: 'hold', summary: 'Keep pending jobs from starting', load: () => import('./commands/hold.ts') },
  { name: 'release', summary: 'Let held jobs start', load: () => import('./commands/release.ts') },
  { name: 'signal', summary: 'Send a signal to a running job', load: () => import('./commands/signal.ts') },
  { name: 'nodes', summary: 'List nodes; drain, resume or fail one', load: () => import('./commands/nodes.ts') },
  { name: 'health', summary: 'Check the hardware of this node', load: () => import('./commands/health.ts') },
  {
    name: 'reservations',
    summary: 'Keep nodes for some people for some time',
    load: () => import('./commands/reservations.ts'),
  },
  {
    name: 'accounting',
    summary: 'GPU-hours and ETTR by job or account; fair-share',
    load: () => import('./commands/accounting.ts'),
  },
  { name: 'plan', summary: 'Plan a training run: layout, time, memory', load: () => import('./commands/plan.ts') },
  {
    name: 'sim',
    summary: 'Simulate months of a cluster: jobs, failures, policies',
    load: () => import('./commands/sim.ts'),
  },
  { name: 'clusters', summary: 'The catalogue of real supercomputers', load: () => import('./commands/clusters.ts') },
  { name: 'models', summary: 'The catalogue of models', load: () => import('./commands/models.ts') },
  { name: 'identify', summary: 'Name the language of a text', load: () => import('./commands/identify.ts') },
  {
    name: 'evaluate',
    summary: 'Measure a model by labelled texts',
    load: () => import('./commands/evaluate.ts'),
  },
  { name: 'secret', summary: 'Store a value that jobs may ask for', load: () => import('./commands/secret.ts') },
  {
    name: 'completion',
    summary: 'Print the completion script of a shell',
    load: () => import('./commands/completion.ts'),
  },
  { name: 'version', summary: 'Print the version', load: () => import('./commands/version.ts') },
];
