import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { loadModule } from 'cld3-asm';
import { eld } from 'eld/large';
import { franc } from 'franc-all';
import { detect, supportedLanguages, toISO2 } from 'tinyld/heavy';
import { loadLanguageModel } from '../../src/cli/identify.ts';
import type { Split } from '../../workloads/languages/train.test-support.ts';

type Label = Split['labels'][number];

export interface Identifier {
  name: string;
  /** The code of the label a text is given, or undefined where the identifier gives none or one outside the labels. */
  identify: (text: string) => string | undefined;
  /** Codes of the labels it can give. */
  supported: ReadonlySet<string>;
}

/** Codes of other identifiers that differ from ours: withdrawn ISO 639-1 codes, and CLD3's own. */
const SYNONYMS: Record<string, string> = { iw: 'he', in: 'id', ji: 'yi', jw: 'jv', fil: 'tl' };

/** From any code an identifier answers with (ISO 639-1, ISO 639-3, BCP 47) to the code of one of our labels, macrolanguages folded. */
function folder(labels: readonly Label[]): (code: string) => string | undefined {
  const known = new Map<string, string>();
  // Where two labels share a two-letter tag (Quechua, Akan), the tag means the first; codes of their own come last and win.
  for (const label of labels.toReversed()) known.set(label.tag, label.code);
  for (const label of labels) for (const member of [label.code, ...label.members]) known.set(member, label.code);
  return (code) => {
    const primary = code.split('-')[0] ?? '';
    return known.get(SYNONYMS[primary] ?? primary);
  };
}

/** Ours, with the model in a folder, then its peers. */
export async function allIdentifiers(modelFolder: string, labels: readonly Label[]): Promise<Identifier[]> {
  const fold = folder(labels);
  const supportedOf = (codes: Iterable<string>) => new Set([...codes].map(fold).filter((code) => code !== undefined));
  const own = await loadLanguageModel(modelFolder);
  const cld3 = (await loadModule()).create(0, 1000);
  // Its list is typed as a const enum, which cannot be listed, though at run time it is an object.
  const cld3Codes: string[] = Object.values(createRequire(import.meta.url)('cld3-asm').LanguageCode);
  return [
    { name: 'orrery', identify: (text) => own.best(text).code, supported: new Set(own.labels.map(({ code }) => code)) },
    { name: 'franc-all', identify: (text) => fold(franc(text)), supported: supportedOf(await francCodes()) },
    {
      name: 'eld/large',
      identify: (text) => fold(eld.detect(text).language),
      supported: supportedOf(Object.values(eld.info().Languages)),
    },
    { name: 'cld3-asm', identify: (text) => fold(cld3.findLanguage(text).language), supported: supportedOf(cld3Codes) },
    {
      name: 'tinyld/heavy',
      identify: (text) => fold(detect(text)),
      supported: supportedOf(supportedLanguages.map(toISO2)),
    },
  ];
}

/** franc-all exports no list of its languages: it is read from the package's own tables. */
async function francCodes(): Promise<string[]> {
  const base = dirname(createRequire(import.meta.url).resolve('franc-all'));
  const read = async (name: string): Promise<Record<string, unknown>> =>
    (await import(pathToFileURL(join(base, `${name}.js`)).href))[name];
  const [data, expressions] = [await read('data'), await read('expressions')];
  // A script used by one language alone is listed under that language's code.
  const alone = Object.keys(expressions).filter((key) => key.length === 3);
  return [...alone, ...Object.values(data).flatMap((languages) => Object.keys(languages ?? {}))];
}
