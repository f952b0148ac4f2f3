import { z } from 'zod';

const reservationNameSchema = z
  .string()
  .regex(/^[\w.-]{1,64}$/, 'expected a name of letters, digits, "_", "-" and "."');

/** Some nodes kept for some people for some time. Times are UNIX seconds. */
export const reservationSchema = z.object({
  name: z.string(),
  nodes: z.array(z.string()),
  startTime: z.number(),
  endTime: z.number(),
  users: z.array(z.string()),
  accounts: z.array(z.string()),
  /** Slurm's words for what it is, such as `MAINT`; none on this machine. */
  flags: z.array(z.string()),
  state: z.enum(['planned', 'active', 'over']),
  /** Jobs that run on its nodes now without naming it. */
  otherJobs: z.array(z.int()),
});

export const reservationListSchema = z.object({ reservations: z.array(reservationSchema) });

export const reservationRequestSchema = z.strictObject({
  name: reservationNameSchema,
  nodes: z.array(z.string().min(1)).min(1),
  /** Absent: now. */
  startTime: z.number().min(0).optional(),
  endTime: z.number().min(0),
  /** Who may use it; both empty: nobody, it is for maintenance. */
  users: z.array(z.string().min(1)).default([]),
  accounts: z.array(z.string().min(1)).default([]),
});

export const reservationParamsSchema = z.object({ name: z.string() });

export type Reservation = z.infer<typeof reservationSchema>;
export type ReservationRequest = z.input<typeof reservationRequestSchema>;
