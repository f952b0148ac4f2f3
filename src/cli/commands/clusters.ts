import type { Command } from 'commander';
import { listClusters, showCluster } from '../clusters.ts';
import { defineCommand } from '../command.ts';
import { print, printJson } from '../output.ts';

export function register(program: Command): Command {
  const group = defineCommand(program, 'clusters', {
    summary: 'List the supercomputers of the catalogue: nodes, GPUs and peak.',
    examples: [
      ['orrery clusters', 'all of them'],
      ['orrery clusters show rsc-phase1', 'one, each figure with its source'],
    ],
  }).action(async (options: { json?: boolean }) => {
    const { clusters, text } = await listClusters();
    if (options.json === true) printJson({ clusters });
    else print(text);
  });
  defineCommand(group, 'show', {
    summary: 'Show one cluster of the catalogue, or a cluster file of your own, each figure with its source.',
    examples: [
      ['orrery clusters show rsc-phase1', 'from the catalogue'],
      ['orrery clusters show ./mine.yaml --json', 'from a file'],
    ],
  })
    .argument('<cluster>', 'name in the catalogue or path of a YAML file')
    .action(async (nameOrPath: string, options: { json?: boolean }) => {
      const { cluster, text } = await showCluster(nameOrPath);
      if (options.json === true) printJson({ cluster });
      else print(text);
    });
  return group;
}
