import { z } from 'zod';

/** What a check comes to. `skipped`: this machine has nothing of the kind and nobody expects it. */
export const HEALTH_STATUSES = ['ok', 'warning', 'critical', 'unknown', 'skipped'] as const;
export type HealthStatus = (typeof HEALTH_STATUSES)[number];

/** After Kokolis et al. (HPCA 2025): `high` takes the node out now, `low` once its jobs have ended. */
export const HEALTH_SEVERITIES = ['high', 'low'] as const;
export type HealthSeverity = (typeof HEALTH_SEVERITIES)[number];

/** On whose behalf checks run. */
export const HEALTH_OCCASIONS = ['prolog', 'epilog', 'cron', 'healthcheck'] as const;
export type HealthOccasion = (typeof HEALTH_OCCASIONS)[number];

const text = z.string().min(1);
const absolutePath = z.string().regex(/^\//, 'expected an absolute path');
const percent = z.number().min(0).max(100);
const positive = z.number().positive();
const checkName = z.string().regex(/^[a-z0-9][a-z0-9-]*$/, 'expected lower-case letters, digits and hyphens');
const severity = z.enum(HEALTH_SEVERITIES);

const customCheckSchema = z.strictObject({
  name: checkName,
  /** The program and its arguments; no shell. */
  command: z.array(text).min(1),
  severity: severity.default('low'),
  timeoutSeconds: positive.max(3600).default(10),
  /** Absent: as for the built-in checks of its severity. */
  runsAs: z.array(z.enum(HEALTH_OCCASIONS)).min(1).optional(),
});

/** What a healthy node of a site has. All of it may be left out. */
export const healthExpectationSchema = z.strictObject({
  gpus: z
    .strictObject({
      count: z.int().min(0).optional(),
      /** Part of the name that nvidia-smi gives; case, spaces and hyphens do not matter. */
      type: text.optional(),
      nvlinksPerGpu: z.int().min(0).optional(),
      /** Of each nvidia-smi; default 30. */
      timeoutSeconds: positive.max(600).optional(),
    })
    .optional(),
  infiniband: z
    .strictObject({
      /** Active InfiniBand ports. */
      ports: z.int().min(0).optional(),
      gigabitsPerSecond: positive.optional(),
    })
    .optional(),
  mounts: z
    .array(
      z.strictObject({
        path: absolutePath,
        /** File system type as in /proc/mounts: `nfs4`, `lustre`. */
        type: text.optional(),
        /** A file is written there and removed again. */
        writable: z.boolean().default(false),
        timeoutSeconds: positive.max(600).default(5),
      }),
    )
    .default([]),
  disks: z
    .array(
      z.strictObject({
        path: absolutePath,
        freePercentMin: percent.default(3),
        inodesFreePercentMin: percent.default(3),
      }),
    )
    .optional(),
  memory: z.strictObject({ gigabytesMin: positive.optional(), availableGigabytesMin: positive.optional() }).optional(),
  cpus: z
    .strictObject({ count: z.int().min(1).optional(), governor: text.optional(), megahertzMin: positive.optional() })
    .optional(),
  clock: z
    .strictObject({
      sources: z.array(text).min(1).optional(),
      skewMillisecondsMax: positive.optional(),
    })
    .optional(),
  processes: z
    .strictObject({ zombiesMax: z.int().min(0).optional(), blockedMax: z.int().min(0).optional() })
    .optional(),
  uptime: z.strictObject({ daysMax: positive.optional() }).optional(),
  /** XID number to severity: in the place of the table's. `ignored` says nothing of the node. */
  xids: z
    .record(z.string().regex(/^\d+$/, 'expected an XID number'), z.enum([...HEALTH_SEVERITIES, 'ignored']))
    .optional(),
  /** Check name to severity, in the place of the check's own. */
  severities: z.record(checkName, severity).default({}),
  /** Checks to leave out. */
  skip: z.array(checkName).default([]),
  custom: z.array(customCheckSchema).default([]),
  /** Folder on shared storage in which a run that found something leaves a report. */
  report: absolutePath.optional(),
});
export type HealthExpectation = z.output<typeof healthExpectationSchema>;
export type CustomHealthCheck = HealthExpectation['custom'][number];

/** Nothing is expected. */
export const NO_EXPECTATION: HealthExpectation = { mounts: [], severities: {}, skip: [], custom: [] };

/** What one check found. */
const healthResultSchema = z.object({
  name: z.string(),
  severity,
  status: z.enum(HEALTH_STATUSES),
  /** One line. */
  message: z.string(),
  durationMs: z.number(),
});
export type HealthResult = z.infer<typeof healthResultSchema>;

/** Of `orrery health check --json` what decides about a node. */
export const healthOutcomeSchema = z.object({ results: z.array(healthResultSchema) });

/** An XID error of a GPU, from the kernel's log. */
export interface XidError {
  xid: number;
  /** As the driver gives it, such as `0000:3b:00`; null where it does not. */
  pciAddress: string | null;
  atMs: number;
  message: string;
  /** `application`: caused by a program as a rule; it says nothing of the node. */
  severity: HealthSeverity | 'application';
}

/** One run of the checks. */
export interface HealthReport {
  node: string;
  occasion: HealthOccasion | null;
  atTime: number;
  /** The worst of all results. */
  status: HealthStatus;
  results: HealthResult[];
  xids: XidError[];
  /** Address of each GPU by its index, as nvidia-smi counts them. */
  gpuPciAddresses: string[];
}
