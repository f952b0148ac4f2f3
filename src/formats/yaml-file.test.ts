import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { z } from 'zod';
import { OrreryError } from '../contract/errors.ts';
import { parseYaml } from './yaml-file.ts';

const schema = z.strictObject({
  name: z.string().min(1),
  nodes: z.strictObject({ count: z.int().min(1), gpusPerNode: z.int().min(1).default(8) }),
  precision: z.enum(['fp16', 'fp32']).default('fp16'),
  ratio: z.number().positive().max(1).optional(),
  leaves: z.array(z.strictObject({ size: z.int().min(0), isUp: z.boolean() })).default([]),
  labels: z.record(z.string().regex(/^[a-z]+$/, 'expected lower case'), z.string()).default({}),
  memory: z
    .string()
    .refine((text) => text.endsWith('G'), {
      error: (issue) => `expected memory such as "2G", got ${JSON.stringify(issue.input)}`,
    })
    .optional(),
});

function errorOf(text: string): string {
  try {
    parseYaml(text, 'rsc.yaml', schema);
  } catch (error) {
    if (error instanceof OrreryError && error.code === 'ORR_BAD_FILE') return error.message;
    throw error;
  }
  return 'no error';
}

const good = 'name: rsc\nnodes:\n  count: 2\n';

describe('a YAML file that is not what was expected', () => {
  it.each([
    [
      'a wrong type',
      'name: rsc\nnodes:\n  count: 2\n  gpusPerNode: eight\n',
      '4:3 nodes.gpusPerNode: expected an integer > 0, got "eight"',
    ],
    ['a number out of range', `${good}  gpusPerNode: 0\n`, '4:3 nodes.gpusPerNode: expected an integer > 0, got 0'],
    ['half a node', 'name: rsc\nnodes:\n  count: 1.5\n', '3:3 nodes.count: expected an integer > 0, got 1.5'],
    ['both bounds', `${good}ratio: 2\n`, '4:1 ratio: expected a number > 0 and <= 1, got 2'],
    [
      'a missing key, at the map that lacks it',
      'name: rsc\nnodes:\n  gpusPerNode: 8\n',
      '2:1 nodes.count: missing: expected an integer > 0',
    ],
    ['a misspelt key', `${good}  gpuPerNode: 8\n`, '4:3 nodes.gpuPerNode: unknown key; did you mean "gpusPerNode"?'],
    [
      'an unknown key',
      'name: rsc\nnodes:\n  count: 2\n  colour: red\n',
      '4:3 nodes.colour: unknown key; known are count, gpusPerNode',
    ],
    ['an enumeration', `${good}precision: fp8\n`, '4:1 precision: expected one of "fp16", "fp32", got "fp8"'],
    [
      'an item of a list',
      `${good}leaves:\n  - {size: 1, isUp: true}\n  - size: 2\n    isUp: 1\n`,
      '7:5 leaves[1].isUp: expected true or false, got 1',
    ],
    ['a list that is none', `${good}leaves: many\n`, '4:1 leaves: expected a list, got "many"'],
    ['a key that is not allowed', `${good}labels:\n  UP: x\n`, '5:3 labels.UP: key: expected lower case'],
    ['a schema that says it better', `${good}memory: lots\n`, '4:1 memory: expected memory such as "2G", got "lots"'],
    ['an empty text', 'name: ""\nnodes: {count: 1}\n', '1:1 name: expected a text that is not empty, got ""'],
    [
      'several, the first in the file first',
      'nodes:\n  count: x\n  extra: 1\nname: 7\n',
      '2:3 nodes.count: expected an integer > 0, got "x" (and 2 more)',
    ],
    ['an empty file', '', '1:1 expected a map of keys and values, got null'],
    ['a list in place of a map', '- 1\n', '1:1 expected a map of keys and values, got [1]'],
    [
      'behind an alias',
      'name: rsc\nnodes: &n\n  count: no\nleaves: []\n',
      '3:3 nodes.count: expected an integer > 0, got "no"',
    ],
  ])('%s', (_, text, expected) => {
    expect(errorOf(text)).toBe(`rsc.yaml:${expected}`);
  });

  it.each([
    ['an open bracket', 'name: [1, 2\nnodes: 3\n', /^rsc\.yaml:2:1 Flow sequence/],
    ['a tab for indentation', 'name: rsc\nnodes:\n\tcount: 2\n', /^rsc\.yaml:3:1 Tabs are not allowed/],
    ['the same key twice', 'name: a\nname: b\n', /^rsc\.yaml:2:1 Map keys must be unique$/],
    ['an alias to nothing', 'name: *x\n', /^rsc\.yaml:1:1 Unresolved alias/],
    ['two documents', 'name: a\n---\nname: b\n', /^rsc\.yaml:2:1 expected one document$/],
  ])('malformed: %s', (_, text, expected) => {
    const message = errorOf(text);
    expect(message).toMatch(expected);
    expect(message).not.toContain('\n');
  });
});

it('names no more keys than a line can hold, and no pattern of what is not there', () => {
  const wide = z.strictObject(
    Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`k${index}`, z.int().optional()])),
  );
  expect(() => parseYaml('colour: 1\n', 'x.yaml', wide)).toThrow(/k38, k39 and 20 more$/);
  const named = z.strictObject({ name: z.string().regex(/^[a-z]+$/) });
  expect(() => parseYaml('{}\n', 'x.yaml', named)).toThrow('x.yaml:1:1 name: missing: expected a text');
});

it('gives back whatever was written, defaults filled in', () => {
  fc.assert(
    fc.property(
      fc.record({
        name: fc.string({ minLength: 1 }),
        count: fc.integer({ min: 1 }),
        labels: fc.dictionary(fc.stringMatching(/^[a-z]+$/), fc.string()),
      }),
      ({ name, count, labels }) => {
        const text = stringify({ name, nodes: { count }, labels });
        expect(parseYaml(text, 'x.yaml', schema)).toEqual({
          name,
          nodes: { count, gpusPerNode: 8 },
          precision: 'fp16',
          leaves: [],
          labels,
        });
      },
    ),
  );
});

it('answers any text with a value or one clear line', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string().map((text) => good + text),
        fc.json(),
      ),
      (text) => {
        const message = errorOf(text);
        expect(message).toMatch(/^(?:no error|rsc\.yaml:\d+:\d+ [^\n]+)$/);
      },
    ),
    { numRuns: 1000 },
  );
});
