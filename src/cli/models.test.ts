import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listModels, loadModel, showModel } from './models.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-models-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const mine = {
  num_hidden_layers: 2,
  hidden_size: 64,
  num_attention_heads: 4,
  intermediate_size: 128,
  vocab_size: 100,
  max_position_embeddings: 32,
};

describe('orrery models', () => {
  it('lists the catalogue, one line a model, each family by size', async () => {
    const { models, text } = await listModels();
    expect(text.split('\n')).toHaveLength(models.length + 1);
    expect(text).toMatch(/megatron-1t +1,008,038,758,400 +128 +25,600 +160 +160 +102,400 +51,200 +decoder +Narayanan/);
    const gpt3 = models.map(({ name }) => name).filter((name) => name.startsWith('gpt3-'));
    expect(gpt3).toEqual(['125m', '350m', '760m', '1.3b', '2.7b', '6.7b', '13b', '175b'].map((size) => `gpt3-${size}`));
  });

  it('shows one with its counts and source', async () => {
    const { model, text } = await showModel('mixtral-8x7b');
    expect(model.parameters.total).toBe(46_702_792_704);
    expect(text).toMatch(/^mixtral-8x7b: decoder, 8 experts\n/);
    expect(text).toMatch(/touched by a token +12,879,925,248\n/);
    expect(text).toMatch(/Experts +8 of 14,336, 2 for a token\n/);
    expect(text).toMatch(/Source +Hugging Face mistralai\/Mixtral-8x7B-v0\.1/);
    const dense = await showModel('gpt3-175b');
    expect(dense.text).not.toMatch(/expert|sparse/);
  });
});

describe('the model that --model means', () => {
  it('may be a file, or the folder of a config.json, and is called by it', async () => {
    const own = join(folder, 'my-model');
    mkdirSync(own);
    writeFileSync(join(own, 'config.json'), JSON.stringify(mine));
    for (const path of [own, join(own, 'config.json')]) {
      expect(await loadModel(path)).toMatchObject({ name: 'my-model', layers: 2, source: null });
    }
  });

  it('is found by a name with a dot in it', async () => {
    expect((await loadModel('gpt3-1.3b')).layers).toBe(24);
  });

  it.each([
    ['gpt3-175', 'did you mean "gpt3-175b"?'],
    ['zzz', '`orrery models` lists those there are'],
    ['./nope/config.json', 'no such file; expected the config.json of a model'],
    ['..\\..\\package.json', 'no such file'],
  ])('is not %s', async (name, hint) => {
    await expect(loadModel(name)).rejects.toMatchObject({
      code: 'ORR_NOT_FOUND',
      exitCode: 3,
      message: expect.stringContaining(hint),
    });
  });

  it('is told where its file is wrong', async () => {
    const file = join(folder, 'bad.json');
    writeFileSync(file, JSON.stringify({ ...mine, vocab_size: undefined }));
    await expect(loadModel(file)).rejects.toMatchObject({
      code: 'ORR_BAD_FILE',
      exitCode: 2,
      message: `${file}:1:1 vocab_size: missing: expected an integer > 0`,
    });
  });
});
