import { basename } from 'node:path';
import type { Cluster } from '../cluster/cluster.ts';
import { parseClusterFile } from '../formats/cluster-file.ts';
import { catalogueFile } from './catalogue-file.ts';
import { gpuNames } from './gpu-catalogue.ts';
import { readText } from './read-text.ts';

/** The cluster that `--cluster NAME|FILE` means. Throws ORR_UNKNOWN_CLUSTER, ORR_BAD_FILE. */
export async function loadCluster(nameOrFile: string): Promise<Cluster> {
  const path = catalogueFile('cluster', nameOrFile);
  return parseClusterFile(await readText(path), basename(path), gpuNames());
}
