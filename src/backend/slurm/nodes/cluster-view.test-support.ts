import type { ClusterView } from './cluster-view.ts';

/** A Slurm without nodes, partitions and accounting. */
export const BARE_CLUSTER: ClusterView = {
  name: 'c',
  version: '22.05.8',
  nodes: [],
  partitions: [],
  isPreempting: false,
  qos: null,
  accounts: null,
  defaultAccount: null,
  remarks: [],
};
