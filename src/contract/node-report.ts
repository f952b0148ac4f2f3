import { z } from 'zod';
import { HEALTH_OCCASIONS, HEALTH_SEVERITIES, HEALTH_STATUSES } from './health.ts';

/** Files of reports that are longer are none of ours. */
export const NODE_REPORT_BYTES_MAX = 65_536;
export const NODE_REPORT_XIDS_MAX = 400;
/** NVIDIA's numbers are well below. */
export const NODE_REPORT_XID_MAX = 65_535;
export const NODE_REPORT_RESULTS_MAX = 64;
/** A report of this age tells the lemon detector nothing any more; its file may go. */
export const NODE_REPORT_DAYS = 35;

/** What makes a node's name part of a file's name. */
const NODE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
const FILE_NAME = /^(.+)\.[0-9a-f]{8}\.json$/;

/** What a run of the checks found that others are to know, as a node leaves it on shared storage. Whatever else is in it is passed over. */
export const nodeReportSchema = z.object({
  version: z.literal(1),
  node: z.string().regex(NODE_NAME),
  occasion: z.enum(HEALTH_OCCASIONS).nullable(),
  /** UNIX seconds, by the node's clock, as all times here. */
  atTime: z.number().nonnegative(),
  /** What was not well. */
  results: z
    .array(
      z.object({
        name: z.string().max(100),
        severity: z.enum(HEALTH_SEVERITIES),
        status: z.enum(HEALTH_STATUSES),
        message: z.string().max(400),
      }),
    )
    .max(NODE_REPORT_RESULTS_MAX),
  /** Errors since the node was started: each number once for each GPU and day (UTC), the last time it came. */
  xids: z
    .array(
      z.object({
        xid: z.int().min(0).max(NODE_REPORT_XID_MAX),
        pciAddress: z.string().max(40).nullable(),
        atTime: z.number().nonnegative(),
        severity: z.enum([...HEALTH_SEVERITIES, 'application']),
      }),
    )
    .max(NODE_REPORT_XIDS_MAX),
});
export type NodeReport = z.infer<typeof nodeReportSchema>;

/**
 * One file for each node and start of it: what its kernel remembers it remembers since then, so that a new file of the same name says all that the
 * old one did. `bootId` is the kernel's. Null for a name that no file can have.
 */
export function nodeReportFile(node: string, bootId: string): string | null {
  const boot = bootId.slice(0, 8).toLowerCase();
  return NODE_NAME.test(node) && /^[0-9a-f]{8}$/.test(boot) ? `${node}.${boot}.json` : null;
}

/** The node that a file of reports is about by its name; null for other files. */
export function nodeOfReportFile(fileName: string): string | null {
  return FILE_NAME.exec(fileName)?.[1] ?? null;
}
