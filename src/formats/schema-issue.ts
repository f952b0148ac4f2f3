import { z } from 'zod';
import { nearest } from './nearest.ts';

/** One thing wrong with a value: where in it, and a text such as `expected an integer > 0, got "eight"`. */
export interface SchemaIssue {
  path: readonly PropertyKey[];
  /** True where the fault is the key's name (unknown, malformed) and not its value. */
  isAboutKey: boolean;
  text: string;
}

/** All of a job file's, and of a policy's those that people write. */
const KNOWN_SHOWN_MAX = 40;

type JsonSchema = z.core.JSONSchema.BaseSchema;

/** Everything a schema finds wrong with a value, each with what was expected instead. Empty if nothing is. */
export function schemaIssues(schema: z.ZodType, value: unknown): SchemaIssue[] {
  const result = schema.safeParse(value);
  if (result.success) return [];
  const root = z.toJSONSchema(schema, { unrepresentable: 'any', io: 'input' });
  return result.error.issues.flatMap((issue) => describeIssue(issue, root, value));
}

/** `nodes.gpusPerNode`, `leaves[2].name`; empty for the whole document. */
export function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '');
}

function describeIssue(issue: z.core.$ZodIssue, root: JsonSchema, value: unknown): SchemaIssue[] {
  const schema = schemaAt(root, issue.path);
  if (issue.code === 'unrecognized_keys') {
    const known = Object.keys(schema?.properties ?? {});
    return issue.keys.map((key) => ({ path: [...issue.path, key], isAboutKey: true, text: unknownKey(key, known) }));
  }
  if (issue.code === 'invalid_key') {
    const text = `key: ${issue.issues[0]?.message ?? 'not allowed here'}`;
    return [{ path: issue.path, isAboutKey: true, text }];
  }
  // Schemas that know better say it themselves.
  if (/^expected\b/.test(issue.message)) return [{ path: issue.path, isAboutKey: false, text: issue.message }];
  const found = valueAt(value, issue.path);
  const expected = schema === undefined ? issue.message : describeSchema(schema);
  // What letters a text may have is for whoever gave one.
  const wanted = schema?.pattern === undefined ? expected : 'a text';
  const text = found === undefined ? `missing: expected ${wanted}` : `expected ${expected}, got ${show(found)}`;
  return [{ path: issue.path, isAboutKey: false, text }];
}

function unknownKey(key: string, known: readonly string[]): string {
  const meant = nearest(key, known);
  if (meant !== undefined) return `unknown key; did you mean "${meant}"?`;
  const more = known.length - KNOWN_SHOWN_MAX;
  return `unknown key; known are ${known.slice(0, KNOWN_SHOWN_MAX).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function schemaAt(root: JsonSchema, path: readonly PropertyKey[]): JsonSchema | undefined {
  const [first, ...rest] = path;
  if (first === undefined) return root;
  for (const option of root.anyOf ?? root.oneOf ?? []) {
    const found = typeof option === 'object' ? schemaAt(option, path) : undefined;
    if (found !== undefined) return found;
  }
  const inside =
    typeof first === 'number' ? root.items : (root.properties?.[String(first)] ?? root.additionalProperties);
  return typeof inside === 'object' && !Array.isArray(inside) ? schemaAt(inside, rest) : undefined;
}

function describeSchema(schema: JsonSchema): string {
  const options = schema.anyOf ?? schema.oneOf;
  if (options !== undefined) {
    return options.map((option) => (typeof option === 'object' ? describeSchema(option) : 'anything')).join(' or ');
  }
  if (schema.const !== undefined) return show(schema.const);
  if (schema.enum !== undefined) return `one of ${schema.enum.map(show).join(', ')}`;
  switch (schema.type) {
    case 'integer':
    case 'number':
      return (schema.type === 'integer' ? 'an integer' : 'a number') + describeRange(schema);
    case 'string':
      return describeText(schema);
    case 'boolean':
      return 'true or false';
    case 'array':
      return (schema.minItems ?? 0) > 0 ? `a list with at least ${schema.minItems} in it` : 'a list';
    case 'object':
      return 'a map of keys and values';
    case 'null':
      return 'null';
    default:
      return 'something else';
  }
}

function describeRange({ type, minimum, maximum, exclusiveMinimum, exclusiveMaximum }: JsonSchema): string {
  const parts: string[] = [];
  if (exclusiveMinimum !== undefined) parts.push(`> ${exclusiveMinimum}`);
  if (minimum !== undefined && minimum > -Number.MAX_SAFE_INTEGER) {
    parts.push(type === 'integer' && minimum === 1 ? '> 0' : `>= ${minimum}`);
  }
  if (exclusiveMaximum !== undefined) parts.push(`< ${exclusiveMaximum}`);
  if (maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER) parts.push(`<= ${maximum}`);
  return parts.length === 0 ? '' : ` ${parts.join(' and ')}`;
}

function describeText({ minLength, maxLength, pattern }: JsonSchema): string {
  if (pattern !== undefined) return `a text matching ${pattern}`;
  if (maxLength !== undefined) return `a text of ${minLength ?? 0} to ${maxLength} characters`;
  return (minLength ?? 0) > 0 ? 'a text that is not empty' : 'a text';
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let found = value;
  for (const part of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, part)) return undefined;
    found = Reflect.get(found, part);
  }
  return found;
}

/** Short enough for one line. */
function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
