import { type Document, isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import { OrreryError } from '../contract/errors.ts';
import { pathText, type SchemaIssue, schemaIssues } from './schema-issue.ts';

/**
 * A YAML 1.2 document (JSON is one) as the schema's value, defaults filled in. Throws ORR_BAD_FILE with one line for what is wrong first,
 * such as `rsc.yaml:14:3 nodes.gpusPerNode: expected an integer > 0, got "eight"`, and how many more there are. `firstLine` is the
 * number of the text's first line in its file.
 */
export function parseYaml<Schema extends z.ZodType>(
  text: string,
  fileName: string,
  schema: Schema,
  firstLine = 1,
): z.output<Schema> {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter });
  const at = (offset: number) => {
    const { line, col } = lineCounter.linePos(offset);
    return `${fileName}:${line + firstLine - 1}:${col}`;
  };
  const [malformed] = document.errors;
  // The library would have us call another function of it.
  if (malformed?.code === 'MULTIPLE_DOCS') throw badFile(`${at(malformed.pos[0])} expected one document`);
  if (malformed !== undefined) throw badFile(`${at(malformed.pos[0])} ${firstSentence(malformed.message)}`);
  const value = toValue(document, fileName);
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issues = schemaIssues(schema, value)
    .map((issue) => ({ path: pathText(issue.path), text: issue.text, offset: offsetOf(document, issue) }))
    .sort((a, b) => a.offset - b.offset);
  const [{ path, text: what, offset } = { path: '', text: 'not valid', offset: 0 }] = issues;
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : '';
  throw badFile(`${at(offset)} ${path === '' ? '' : `${path}: `}${what}${more}`);
}

function toValue(document: Document.Parsed, fileName: string): unknown {
  try {
    return document.toJS();
  } catch (error) {
    // Aliases that do not resolve, or that would blow up to more than the library's limit.
    throw badFile(`${fileName}:1:1 ${error instanceof Error ? firstSentence(error.message) : 'unreadable'}`, error);
  }
}

/** Where the key of the faulty value stands; for a missing one, the map that lacks it. */
function offsetOf(document: Document.Parsed, issue: SchemaIssue): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const part of issue.path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => String(isScalar(key) ? key.value : key) === String(part));
      if (pair === undefined) break;
      offset = startOf(pair.key) ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(part)];
      offset = startOf(node) ?? offset;
    } else break;
  }
  return offset;
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}

/** The library appends the lines around the place; one line is enough. */
function firstSentence(message: string): string {
  return (message.split('\n')[0] ?? message).replace(/ at line \d+, column \d+:?$/, '').replace(/:$/, '');
}

function badFile(message: string, cause?: unknown): OrreryError {
  return new OrreryError('ORR_BAD_FILE', message, { cause });
}
