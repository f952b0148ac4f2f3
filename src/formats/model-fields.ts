import { z } from 'zod';
import { parseYaml } from './yaml-file.ts';

/** A figure of a model and the keys under which configurations have it, the usual one first. */
export interface Field<Schema extends z.ZodType = z.ZodType> {
  schema: Schema;
  keys: readonly [string, ...string[]];
}

export type Fields = Readonly<Record<string, Field>>;
export type FieldValues<F extends Fields> = { [Name in keyof F]: z.output<F[Name]['schema']> };

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

export const count = z.int().min(1);

export function field<Schema extends z.ZodType>(schema: Schema, ...keys: [string, ...string[]]): Field<Schema> {
  return { schema, keys };
}

/** The figures of a configuration, each from the first of its keys that is there. Throws ORR_BAD_FILE with the key as the file has it. */
export function readFields<F extends Fields>(
  json: string,
  fileName: string,
  present: ReadonlySet<string>,
  fields: F,
): FieldValues<F> {
  const keyOf = (name: string): string => {
    const keys = fields[name]?.keys ?? [name];
    return keys.find((key) => present.has(key)) ?? keys[0] ?? name;
  };
  const names = Object.keys(fields);
  const shape = Object.fromEntries(names.map((name) => [keyOf(name), fields[name]?.schema ?? z.unknown()]));
  const schema = z.looseObject(shape).check(({ value, issues }) => {
    const numberOf = (name: string) => (name in fields ? value[keyOf(name)] : undefined);
    const relations = typeof numberOf('headDim') === 'number' ? RELATIONS : [HEADS_DIVIDE_HIDDEN, ...RELATIONS];
    for (const { of, to, holds, text } of relations) {
      const [figure, other] = [numberOf(of), numberOf(to)];
      if (typeof figure !== 'number' || typeof other !== 'number' || holds(figure, other)) continue;
      const message = `expected ${text(keyOf(to))} (${other}), got ${figure}`;
      issues.push({ code: 'custom', path: [keyOf(of)], message, input: value });
    }
  });
  const values: Record<string, unknown> = parseYaml(json, fileName, schema);
  // The schema has checked each value under its key; only the names change here.
  return Object.fromEntries(names.map((name) => [name, values[keyOf(name)]])) as FieldValues<F>;
}
