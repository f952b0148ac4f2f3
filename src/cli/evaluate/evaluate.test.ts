import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { orrery } from '../../../test/support/orrery-command.ts';
import { loadLanguageModel } from '../identify.ts';
import { writeLanguageModel } from '../language-model.test-support.ts';
import { evaluateShare } from './evaluate-share.ts';

const folder = mkdtempSync(join(tmpdir(), 'orrery-evaluate-'));
const model = join(folder, 'model');
const file = (name: string, content: string | Uint8Array) => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
/** A text that the model takes for English, and one for Korean. */
let eng = '';
let kor = '';

beforeAll(async () => {
  mkdirSync(model);
  writeLanguageModel(model, (description) => {
    description['labels'] = [
      { code: 'eng', name: 'English', tag: 'en', members: [] },
      { code: 'kor', name: 'Korean', tag: 'ko', members: ['jje', 'oko'] },
    ];
  });
  const identifier = await loadLanguageModel(model);
  const texts = Array.from({ length: 26 }, (_, index) => String.fromCharCode(97 + index).repeat(3));
  eng = texts.find((text) => identifier.best(text).code === 'eng') ?? '';
  kor = texts.find((text) => identifier.best(text).code === 'kor') ?? '';
  if (eng === '' || kor === '') throw new Error('the model by hand takes all for one language');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const evaluate = (...args: string[]) =>
  orrery(['evaluate', ...args, '--model', model], { home: folder, cwd: folder, env: process.env });

describe('orrery evaluate', () => {
  it('scores labelled texts, and says what it left out', async () => {
    const lines = `label\ttext\nen\t${eng}\neng\t${eng}\nEnG\t${kor}\njje\t${kor}\nxx\t${eng}\nno tab\n`;
    const tsv = file('texts.tsv', lines);
    const jsonl = file('more.jsonl.gz', gzipSync(`{"language":"ko","text":"${kor}"}\n`));
    const { code, stdout, stderr } = await evaluate(tsv, jsonl, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      texts: 5,
      accuracy: { share: 0.8 },
      macroAccuracy: (2 / 3 + 1) / 2,
      badLines: 1,
      firstBad: [{ file: tsv, line: 7 }],
      unknownLabels: [{ label: 'xx', texts: 1 }],
      languages: [
        { code: 'eng', texts: 3, recall: 2 / 3, precision: 1, takenFor: [{ code: 'kor', texts: 1 }] },
        { code: 'kor', texts: 2, recall: 1, precision: 2 / 3, takenFor: [] },
      ],
    });
    expect(stderr).toBe(
      'left out: 1 text with 1 label that the model does not know (xx 1)\n' +
        `left out: 1 bad line\n  ${tsv}:7 expected LABEL<TAB>TEXT or a JSON object, got no tab\n`,
    );
  });

  it('says the same of any number of shares put together', async () => {
    const lines = Array.from({ length: 40 }, (_, index) => `${index % 3 ? 'eng' : 'kor'}\t${index % 7 ? eng : kor}\n`);
    const request = { modelFolder: model, files: [file('many.tsv', lines.join(''))], firstCharacters: null };
    const whole = await evaluateShare({ ...request, share: 0, shares: 1 });
    const parts = await Promise.all([0, 1, 2].map((share) => evaluateShare({ ...request, share, shares: 3 })));
    const sum = new Map<string, number>();
    for (const [expected, predicted, texts] of parts.flatMap(({ counts }) => counts)) {
      sum.set(`${expected} ${predicted}`, (sum.get(`${expected} ${predicted}`) ?? 0) + texts);
    }
    expect(sum.size).toBe(4);
    expect(sum).toEqual(
      new Map(whole.counts.map(([expected, predicted, texts]) => [`${expected} ${predicted}`, texts])),
    );
  });

  it('judges by the first characters where asked', async () => {
    const longer = file('longer.tsv', `eng\t${eng}${kor.repeat(9)}\n`);
    const [whole, first] = [await evaluate(longer, '--json'), await evaluate(longer, '--json', '--first', '3')];
    expect(JSON.parse(whole.stdout).accuracy.share).toBe(0);
    expect(JSON.parse(first.stdout).accuracy.share).toBe(1);
  });

  it.each([
    ['a file that is missing', () => ['nowhere.tsv'], /cannot read .*nowhere\.tsv: no such file/],
    ['a folder', () => ['model'], /cannot read .*model: is a folder/],
    [
      'half a gzip file',
      () => [file('half.gz', gzipSync('eng\tall\n').subarray(0, 20))],
      /half\.gz: no whole gzip file/,
    ],
    [
      'no text of a known language',
      () => [file('none.tsv', 'xx\tabc\n')],
      /no text of a language that the model knows/,
    ],
    ['tasks without Slurm', () => [file('one.tsv', `eng\t${eng}\n`), '--tasks', '3'], /--tasks needs --on slurm/],
  ])('refuses %s in one line', async (_, args, message) => {
    const { code, stdout, stderr } = await evaluate(...args());
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n').length).toBe(1);
  });
});
