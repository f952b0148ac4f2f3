import { join } from 'node:path';
import { z } from 'zod';
import { OrreryError } from '../contract/errors.ts';
import { readIfThere } from './home.ts';

export const LEMON_RULES = ['advise', 'drain'] as const;
export type LemonRule = (typeof LEMON_RULES)[number];

/** What a home remembers of the Slurm its jobs are with, and how it was begun: `orrery up` goes on so. Where it listens is said at each start. */
const fileSchema = z.object({
  /** Tells our jobs from those of any other Orrery. */
  homeId: z.string().regex(/^[0-9a-f]{8}$/),
  /** Login node that is reached by ssh; null: the commands of this machine. */
  host: z.string().nullable(),
  /** Folder that all nodes see; null: the home. */
  shared: z.string().nullable(),
  /** Folder in which nodes leave what their checks find; null: `health` beside the jobs' folders. */
  reports: z.string().nullable().default(null),
  /** What is done about lemon nodes. */
  lemons: z.enum(LEMON_RULES).default('advise'),
  /** How often idle nodes are checked, in seconds; 0: never. */
  healthIntervalSeconds: z.int().min(0).default(0),
  /** File that says what nodes have; null: what Slurm says. */
  healthExpect: z.string().nullable().default(null),
});

export type SlurmFile = z.infer<typeof fileSchema>;

export function slurmFile(home: string): string {
  return join(home, 'slurm.json');
}

/** Where a home has the folders of its jobs, and what their scripts share: under the folder that all nodes see, in one of its own. */
export function sharedFolderOf(home: string, { homeId, shared }: Pick<SlurmFile, 'homeId' | 'shared'>): string {
  return shared === null ? home : join(shared, `orrery-${homeId}`);
}

/** Null for a home whose jobs run on this machine, or that is not there. Throws ORR_BAD_FILE for a file that is not as we write it. */
export function readSlurmFile(home: string): SlurmFile | null {
  const path = slurmFile(home);
  const text = readIfThere(path);
  if (text === undefined) return null;
  try {
    return fileSchema.parse(JSON.parse(text));
  } catch (cause) {
    const issue = cause instanceof z.ZodError ? cause.issues[0] : undefined;
    const what = issue === undefined ? 'no JSON' : `${issue.path.join('.')}: ${issue.message}`;
    throw new OrreryError('ORR_BAD_FILE', `${path}: ${what}: put back what orrery up wrote there`, { cause });
  }
}
