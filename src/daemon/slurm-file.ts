import { join } from 'node:path';
import { z } from 'zod';
import { readIfThere } from './home.ts';

export const LEMON_RULES = ['advise', 'drain'] as const;
export type LemonRule = (typeof LEMON_RULES)[number];

/** What a home remembers of the Slurm its jobs are with. */
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
});

export type SlurmFile = z.infer<typeof fileSchema>;

export function slurmFile(home: string): string {
  return join(home, 'slurm.json');
}

/** Null for a home whose jobs run on this machine, or that is not there. */
export function readSlurmFile(home: string): SlurmFile | null {
  const text = readIfThere(slurmFile(home));
  return text === undefined ? null : fileSchema.parse(JSON.parse(text));
}
