import { z } from 'zod';
import { parseYaml } from './yaml-file.ts';

/** Under which keys configurations have a figure, the usual one first. */
const FILE_KEYS = z.registry<{ keys: readonly [string, ...string[]] }>();

/** What must hold between two figures; `text` continues "expected ...", `key` is the other one's key in the file. */
interface Relation {
  of: string;
  to: string;
  holds: (of: number, to: number) => boolean;
  text: (key: string) => string;
}

const isDivisor = (of: number, to: number) => to % of === 0;
const RELATIONS: readonly Relation[] = [
  { of: 'kvHeads', to: 'heads', holds: isDivisor, text: (key) => `a divisor of ${key}` },
  { of: 'expertsPerToken', to: 'experts', holds: (of, to) => of <= to, text: (key) => `at most ${key}` },
  { of: 'denseLayers', to: 'layers', holds: (of, to) => of <= to, text: (key) => `at most ${key}` },
  { of: 'patch', to: 'image', holds: isDivisor, text: (key) => `a divisor of ${key}` },
  { of: 'embeddingWidth', to: 'hidden', holds: (of, to) => of === to, text: (key) => `the same as ${key}` },
  { of: 'decoderLayers', to: 'layers', holds: (of, to) => of === to, text: (key) => `the same as ${key}` },
  { of: 'decoderHeads', to: 'heads', holds: (of, to) => of === to, text: (key) => `the same as ${key}` },
  { of: 'decoderFfn', to: 'ffn', holds: (of, to) => of === to, text: (key) => `the same as ${key}` },
];
/** Only where the width of a head is not given. */
const HEADS_DIVIDE_HIDDEN: Relation = {
  of: 'heads',
  to: 'hidden',
  holds: isDivisor,
  text: (key) => `a divisor of ${key}`,
};

/** Beyond any model there is; what is larger is a slip that would keep a search busy for days. */
function atMost(most: number) {
  const error = (issue: { input?: unknown }) => `expected at most ${most}, got ${String(issue.input)}`;
  return z
    .int()
    .min(1)
    .refine((value) => value <= most, { error });
}
export const count = atMost(100_000_000);
export const layerCount = atMost(10_000);

/** A figure that configurations have under one of these keys. */
export function field<Schema extends z.ZodType>(schema: Schema, ...keys: [string, ...string[]]): Schema {
  const own = schema.clone();
  FILE_KEYS.add(own, { keys });
  return own;
}

/** The figures of a configuration, each from the first of its keys that is among `present`. Throws ORR_BAD_FILE with the key as the file has it. */
export function readFields<Shape extends z.ZodRawShape>(
  json: string,
  fileName: string,
  present: ReadonlySet<string>,
  fields: z.ZodObject<Shape>,
): z.output<z.ZodObject<Shape>> {
  const schemas: Record<string, z.core.$ZodType> = fields.shape;
  const keyOf = (name: string): string => {
    const schema = schemas[name];
    const keys = schema === undefined ? undefined : FILE_KEYS.get(schema)?.keys;
    return keys?.find((key) => present.has(key)) ?? keys?.[0] ?? name;
  };
  const byKey = Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [keyOf(name), schema]));
  const inFile = z.looseObject(byKey).check(({ value, issues }) => {
    const numberOf = (name: string) => (name in schemas ? value[keyOf(name)] : undefined);
    const relations = typeof numberOf('headDim') === 'number' ? RELATIONS : [HEADS_DIVIDE_HIDDEN, ...RELATIONS];
    for (const { of, to, holds, text } of relations) {
      const [figure, other] = [numberOf(of), numberOf(to)];
      if (typeof figure !== 'number' || typeof other !== 'number' || holds(figure, other)) continue;
      const message = `expected ${text(keyOf(to))} (${other}), got ${figure}`;
      issues.push({ code: 'custom', path: [keyOf(of)], message, input: value });
    }
  });
  const values = parseYaml(json, fileName, inFile);
  // Found good under the file's keys; once more under our names, for their types.
  return fields.parse(Object.fromEntries(Object.keys(schemas).map((name) => [name, values[keyOf(name)]])));
}
