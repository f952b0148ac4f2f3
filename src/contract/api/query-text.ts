import { z } from 'zod';

export const queryFlagSchema = z.enum(['true', 'false']).transform((text) => text === 'true');

export const countSchema = z
  .string()
  .regex(/^\d{1,15}$/, { error: (issue) => `expected a whole number, got ${JSON.stringify(issue.input)}` })
  .transform(Number);
