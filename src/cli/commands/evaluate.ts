import { type Command, Option } from 'commander';
import { OrreryError } from '../../contract/errors.ts';
import { defineCommand, integer } from '../command.ts';
import { newestLanguageModel } from '../newest-model.ts';
import { note, print, printJson } from '../output.ts';
import { terminalOf } from '../render/terminal.ts';

interface Options {
  model?: string;
  first?: number;
  on?: 'slurm';
  tasks?: number;
  json?: boolean;
}

export function register(program: Command): Command {
  return defineCommand(program, 'evaluate', {
    summary: 'Measure how well the model of orrery identify names the languages of labelled texts.',
    examples: [
      ['orrery evaluate test.tsv', 'lines of LANGUAGE<TAB>TEXT'],
      ['orrery evaluate a.jsonl.gz b.jsonl.gz --first 30', 'objects with language and text; beginnings alone'],
      ['orrery evaluate crawl.tsv.gz --on slurm', 'as an array of Slurm jobs'],
    ],
  })
    .argument('<files...>', 'labelled texts, .gz too; languages as ISO 639-3 codes or BCP 47 tags')
    .option('--model <folder>', 'folder with model.json (default: the newest in the home)')
    .option('--first <n>', 'judge by the first n characters of each text', integer(1, 1_000_000))
    .addOption(new Option('--on <place>', 'share the texts among the tasks of a Slurm array').choices(['slurm']))
    .option('--tasks <n>', 'tasks of that array (default: one for 64 MiB of texts)', integer(1, 1000))
    .action(async (files: string[], { model, first, on, tasks, json }: Options) => {
      if (tasks !== undefined && on === undefined) throw new OrreryError('ORR_USAGE', '--tasks needs --on slurm');
      const [{ runEvaluation }, { evaluationRemarks, renderEvaluation }] = await Promise.all([
        import('../evaluate/run-evaluation.ts'),
        import('../render/evaluation.ts'),
      ]);
      const evaluation = await runEvaluation({
        modelFolder: model ?? newestLanguageModel(),
        files,
        firstCharacters: first ?? null,
        place: on ?? 'here',
        tasks: tasks ?? null,
      });
      for (const remark of evaluationRemarks(evaluation)) note(remark);
      if (json === true) printJson(evaluation);
      else print(renderEvaluation(evaluation, terminalOf(process.stdout)));
    });
}
