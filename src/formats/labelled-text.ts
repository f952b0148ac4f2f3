/** A line of a file of labelled texts: what it holds, or what is wrong with it; null where it is no record at all. */
export type LabelledLine = { label: string; text: string } | { bad: string } | null;

const LABEL_KEYS = ['language', 'lang', 'label', 'code'];
const TEXT_KEYS = ['text', 'sentence'];

/**
 * Reads labelled texts line by line: `LABEL<TAB>TEXT`, or one JSON object a line with `language` (or `lang`, `label`, `code`) and `text` (or
 * `sentence`). Blank lines are no records, nor is a first line that names the columns (`label<TAB>text`).
 */
export function readLabelledLine(line: string, lineNumber: number): LabelledLine {
  const content = (lineNumber === 1 ? line.replace(/^\uFEFF/, '') : line).replace(/\r$/, '');
  if (content.trim() === '') return null;
  if (content.startsWith('{')) return fromJson(content);
  const tab = content.indexOf('\t');
  if (tab === -1) return { bad: 'expected LABEL<TAB>TEXT or a JSON object, got no tab' };
  const [label, text] = [content.slice(0, tab).trim(), content.slice(tab + 1).trim()];
  if (lineNumber === 1 && LABEL_KEYS.includes(label.toLowerCase()) && TEXT_KEYS.includes(text.toLowerCase()))
    return null;
  return checked(label, text);
}

function fromJson(line: string): LabelledLine {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return { bad: 'expected a whole JSON object' };
  }
  const entries = new Map(Object.entries(value ?? {}));
  const first = (keys: readonly string[]) => keys.map((key) => entries.get(key)).find((one) => typeof one === 'string');
  const [label, text] = [first(LABEL_KEYS), first(TEXT_KEYS)];
  if (typeof label !== 'string') return { bad: `expected ${LABEL_KEYS.join(' or ')} to be a string` };
  if (typeof text !== 'string') return { bad: `expected ${TEXT_KEYS.join(' or ')} to be a string` };
  return checked(label.trim(), text.trim());
}

function checked(label: string, text: string): LabelledLine {
  if (label === '') return { bad: 'the label is empty' };
  if (text === '') return { bad: 'the text is empty' };
  return { label, text };
}
