import { z } from 'zod';
import type { FailureModel, NodeComponent } from '../twin/failure-model.ts';
import { parseYaml } from './yaml-file.ts';

/** Shares that are meant to add up to 1 do so to this much. */
const SHARE_TOLERANCE = 1e-6;

const COMPONENTS = [
  'gpu',
  'nvlink',
  'ib_link',
  'pcie',
  'mount',
  'host',
  'unattributed',
] as const satisfies readonly NodeComponent[];

const text = z.string().min(1);
const rate = z.number().min(0).max(1e6);
const share = z.number().min(0).max(1);
const shareBelowOne = z.number().min(0).lt(1);
const day = z.number().min(0).max(1e6);
const seconds = z.number().min(0).max(86_400);
const repairTime = z.strictObject({
  medianHours: z.number().positive().max(10_000),
  logDeviation: z.number().min(0).max(3),
});
const componentName = z.enum(COMPONENTS);

const component = z.strictObject({
  share,
  severities: z
    .strictObject({ high: share.default(0), heartbeat: share.default(0), job: share.default(0) })
    .refine(
      ({ high, heartbeat, job }) => isOne(high + heartbeat + job),
      'expected high, heartbeat and job to add up to 1',
    ),
  replacementShare: share,
  alsoSeen: z.array(z.strictObject({ component: componentName, share })).default([]),
});

const schema = z.strictObject({
  name: text,
  title: text,
  note: text.optional(),
  failuresPerThousandNodeDays: rate,
  components: z
    .strictObject({
      gpu: component.optional(),
      nvlink: component.optional(),
      ib_link: component.optional(),
      pcie: component.optional(),
      mount: component.optional(),
      host: component.optional(),
      unattributed: component.optional(),
    })
    .refine((components) => isOne(Object.values(components).reduce((sum, each) => sum + (each?.share ?? 0), 0)), {
      error: 'expected shares of the components that add up to 1',
      // A misspelt component is said to be that, and not a share too few.
      when: ({ issues }) => issues.length === 0,
    }),
  lowSeverity: z.strictObject({ perThousandNodeDays: rate, replacementShare: share }).optional(),
  falsePositives: z
    .strictObject({ perThousandNodeDays: rate, highShare: share.default(0), repair: repairTime })
    .optional(),
  lemons: z.strictObject({ nodeShare: shareBelowOne, failureShare: shareBelowOne, cureShare: share }).optional(),
  regimes: z
    .array(
      z
        .strictObject({
          component: componentName,
          fromDay: day,
          toDay: day,
          factor: z.number().min(1).max(1e6),
          nodeShare: z.number().positive().max(1).default(1),
        })
        .refine(({ fromDay, toDay }) => toDay > fromDay, {
          path: ['toDay'],
          error: 'expected a day after fromDay',
        }),
    )
    .default([]),
  regimeDays: z.number().positive().max(1e6).default(365),
  switchOutages: z.strictObject({ perThousandLeafDays: rate, repair: repairTime }).optional(),
  storageOutages: z.strictObject({ perThousandDays: rate, nodeShare: share, repair: repairTime }).optional(),
  detection: z.strictObject({
    checkIntervalSeconds: seconds,
    epilogShare: share,
    epilogSeconds: seconds,
    heartbeatTimeoutSeconds: seconds,
  }),
  repair: z.strictObject({ reset: repairTime, replacement: repairTime }),
  sources: z.record(text, text).default({}),
});

/** What stands for a component or a kind of failure that a file leaves out: it does not happen. */
const NEVER = {
  component: { share: 0, severities: { high: 1, heartbeat: 0, job: 0 }, replacementShare: 0, alsoSeen: [] },
  repair: { medianHours: 1, logDeviation: 0 },
};

/** A failure model from its YAML file. Throws ORR_BAD_FILE. */
export function parseFailureFile(yaml: string, fileName: string): FailureModel {
  const file = parseYaml(yaml, fileName, schema);
  const of = (name: NodeComponent) => file.components[name] ?? NEVER.component;
  return {
    ...file,
    note: file.note ?? null,
    components: {
      gpu: of('gpu'),
      nvlink: of('nvlink'),
      ib_link: of('ib_link'),
      pcie: of('pcie'),
      mount: of('mount'),
      host: of('host'),
      unattributed: of('unattributed'),
    },
    lowSeverity: file.lowSeverity ?? { perThousandNodeDays: 0, replacementShare: 0 },
    falsePositives: file.falsePositives ?? { perThousandNodeDays: 0, highShare: 0, repair: NEVER.repair },
    lemons: file.lemons ?? { nodeShare: 0, failureShare: 0, cureShare: 0 },
    switchOutages: file.switchOutages ?? { perThousandLeafDays: 0, repair: NEVER.repair },
    storageOutages: file.storageOutages ?? { perThousandDays: 0, nodeShare: 0, repair: NEVER.repair },
  };
}

function isOne(sum: number): boolean {
  return Math.abs(sum - 1) <= SHARE_TOLERANCE;
}
