import { type Command, Option } from 'commander';
import { OrreryError } from '../../contract/errors.ts';
import { listClusters, showCluster } from '../clusters.ts';
import { defineCommand, integer } from '../command.ts';
import { note, print, printJson } from '../output.ts';

/** As long as the lemon detector looks back. */
const DAYS_DEFAULT = 28;

interface ImportCommandOptions {
  out?: string;
  saved?: string;
  slurmHost?: string;
  days: number;
  recipe?: boolean;
  force?: boolean;
  json?: boolean;
}

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
  defineCommand(group, 'import', {
    summary: 'Write cluster, policy, jobs and scenarios of a cluster that runs, for orrery sim.',
    examples: [
      ['orrery clusters import --from slurm --out mine', "with this host's Slurm commands"],
      ['orrery clusters import --recipe | ssh login1 sh', 'what they print there, into its folder saved'],
      ['orrery clusters import --from slurm --saved saved --out mine', 'from such a folder'],
    ],
  })
    .addOption(new Option('--from <scheduler>', 'whose cluster it is').choices(['slurm']).default('slurm'))
    .option('--saved <folder>', 'folder with what the commands printed; default: run them')
    .option('--slurm-host <host>', 'ssh to this login node for the commands; default: those of this machine')
    .option('--out <folder>', 'folder to write; it must not be there')
    .option('--days <n>', 'days of history to ask sacct for', integer(1, 3660), DAYS_DEFAULT)
    .option('--force', 'replace a folder that an import wrote')
    .option('--recipe', 'print the shell lines that fill a folder for --saved, and do nothing else')
    .action(async ({ out, recipe, ...options }: ImportCommandOptions) => {
      if (recipe === true) {
        const saved = await import('../../backend/slurm/saved/saved-files.ts');
        const text = saved.recipe(options.days);
        if (options.json === true) printJson({ recipe: text });
        else print(text);
        return;
      }
      if (out === undefined)
        throw new OrreryError('ORR_USAGE', 'out: missing: give the folder to write with --out DIR');
      const { importCluster, renderImport } = await import('../slurm-import/import-cluster.ts');
      const report = await importCluster({ ...options, host: options.slurmHost ?? null, out });
      for (const line of report.missing) note(`missing: ${line}`);
      for (const line of report.leftOut) note(`left out: ${line}`);
      if (options.json === true) printJson(report);
      else print(renderImport(report));
    });
  return group;
}
