import type { Outage } from '../../backend/port.ts';
import type { Family } from './family.ts';

export interface DaemonFacts {
  nowMs: number;
  startMs: number;
  outage: Outage | null;
  version: string;
  cluster: string;
  policy: string;
}

export const DAEMON_FAMILIES: readonly Family<DaemonFacts>[] = [
  {
    name: 'orrery_build_info',
    help: 'Always 1; what the daemon is.',
    labels: ['version', 'cluster', 'policy'],
    read: ({ version, cluster, policy }) => [[{ version, cluster, policy }, 1]],
  },
  {
    name: 'orrery_outage',
    help: 'Whether Slurm does not answer: what is said of jobs and nodes is as last seen. 0 where jobs run on this machine.',
    labels: [],
    read: ({ outage }) => [[{}, outage === null ? 0 : 1]],
  },
  {
    name: 'orrery_outage_seconds',
    help: 'For how long Slurm has not answered; 0 where it does, and where jobs run on this machine.',
    labels: [],
    read: ({ outage, nowMs }) => [[{}, outage === null ? 0 : Math.max(0, nowMs - outage.sinceMs) / 1000]],
  },
  {
    name: 'process_start_time_seconds',
    help: 'When the daemon started, in seconds since the epoch.',
    labels: [],
    read: ({ startMs }) => [[{}, startMs / 1000]],
  },
  {
    name: 'process_resident_memory_bytes',
    help: 'Memory of the daemon.',
    labels: [],
    read: () => [[{}, process.memoryUsage.rss()]],
  },
  {
    name: 'process_cpu_seconds_total',
    help: 'CPU time of the daemon.',
    labels: [],
    kind: 'counter',
    read: () => {
      const { user, system } = process.cpuUsage();
      return [[{}, (user + system) / 1e6]];
    },
  },
];
