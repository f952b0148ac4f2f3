import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { modelParameters } from '../planner/model-parameters.ts';
import { parseModelFile } from './model-file.ts';

const models = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), 'catalog', 'models');
const names = readdirSync(models).map((file) => file.replace(/\.json$/, ''));
const load = (name: string) => counted(readFileSync(join(models, `${name}.json`), 'utf8'), `${name}.json`);
const parse = (config: object, fileName = 'config.json') => counted(JSON.stringify(config), fileName);

function counted(json: string, fileName: string) {
  const { rules, ...shape } = parseModelFile(json, fileName);
  return { ...shape, parameters: modelParameters(shape, rules) };
}

const llama = {
  model_type: 'llama',
  num_hidden_layers: 32,
  hidden_size: 4096,
  num_attention_heads: 32,
  intermediate_size: 11008,
  vocab_size: 32000,
  max_position_embeddings: 2048,
};

describe('counts of the catalogue', () => {
  // Totals of the published weights: `safetensors` metadata on Hugging Face, or the sum over the tensors of the checkpoint.
  it.each([
    ['bloom-176b', 176_247_271_424],
    ['deepseek-v2', 235_741_434_880],
    ['deepseek-v3', 671_026_419_200],
    ['llama-7b', 6_738_415_616],
    ['llama-13b', 13_015_864_320],
    ['llama-33b', 32_528_943_616],
    ['llama-65b', 65_285_660_672],
    ['llama2-7b', 6_738_415_616],
    ['llama2-13b', 13_015_864_320],
    ['llama2-70b', 68_976_648_192],
    ['llama3-8b', 8_030_261_248],
    ['llama3-70b', 70_553_706_496],
    ['llama3-405b', 405_853_388_800],
    ['mixtral-8x7b', 46_702_792_704],
    ['mixtral-8x22b', 140_620_634_112],
    ['opt-1.3b', 1_315_758_080],
    ['xlm-r-xl', 3_482_741_760],
  ])('%s has %i parameters', (name, total) => {
    expect(load(name).parameters.total).toBe(total);
  });

  it.each([
    ['mixtral-8x7b', 12.9e9],
    ['mixtral-8x22b', 39.1e9],
    ['deepseek-v2', 21e9],
    ['deepseek-v3', 37e9],
  ])('%s touches about %f of them for a token, as its authors say', (name, active) => {
    expect(Math.abs(load(name).parameters.active / active - 1)).toBeLessThan(0.02);
  });

  it("are those of SC'21 table 1, by its own formula but for the norm after the last layer", () => {
    const megatron = names.filter((name) => name.startsWith('megatron-')).map(load);
    expect(megatron).toHaveLength(12);
    for (const { layers, hidden, vocab, sequenceLengthMax, parameters } of megatron) {
      const formula =
        12 * layers * hidden ** 2 * (1 + 13 / (12 * hidden) + (vocab + sequenceLengthMax) / (12 * layers * hidden));
      expect(Math.abs(parameters.total - 2 * hidden - formula)).toBeLessThan(1);
    }
  });
});

describe('counts of other families', () => {
  const qwen25 = { ...llama, model_type: 'qwen2', num_hidden_layers: 28, hidden_size: 3584, num_attention_heads: 28 };
  const qwen3 = { ...llama, model_type: 'qwen3', num_hidden_layers: 36, num_key_value_heads: 8, head_dim: 128 };
  const xlmR = { num_hidden_layers: 24, hidden_size: 1024, num_attention_heads: 16, intermediate_size: 4096 };
  const nllb600m = {
    model_type: 'm2m_100',
    encoder_layers: 12,
    decoder_layers: 12,
    d_model: 1024,
    encoder_attention_heads: 16,
    decoder_attention_heads: 16,
    encoder_ffn_dim: 4096,
    decoder_ffn_dim: 4096,
    vocab_size: 256206,
    max_position_embeddings: 1024,
  };
  const gpt2 = { model_type: 'gpt2', n_layer: 12, n_embd: 768, n_head: 12, n_positions: 1024, vocab_size: 50257 };
  const bloom560m = { model_type: 'bloom', n_layer: 24, hidden_size: 1024, n_head: 16, vocab_size: 250880 };
  const deepSeekV2Lite = {
    ...llama,
    model_type: 'deepseek_v2',
    num_hidden_layers: 27,
    hidden_size: 2048,
    num_attention_heads: 16,
    intermediate_size: 10944,
    vocab_size: 102400,
    moe_intermediate_size: 1408,
    n_routed_experts: 64,
    n_shared_experts: 2,
    num_experts_per_tok: 6,
    first_k_dense_replace: 1,
    q_lora_rank: null,
    kv_lora_rank: 512,
    qk_nope_head_dim: 128,
    qk_rope_head_dim: 64,
    v_head_dim: 128,
  };
  const vitB16 = {
    model_type: 'vit',
    num_hidden_layers: 12,
    hidden_size: 768,
    num_attention_heads: 12,
    intermediate_size: 3072,
    image_size: 224,
    patch_size: 16,
  };

  it.each([
    ['GPT-2', gpt2, 124_439_808],
    [
      'Mistral-7B',
      { ...llama, model_type: 'mistral', intermediate_size: 14336, num_key_value_heads: 8 },
      7_241_732_096,
    ],
    [
      'Qwen2.5-7B: biases of queries, keys and values',
      { ...qwen25, num_key_value_heads: 4, intermediate_size: 18944, vocab_size: 152064 },
      7_615_616_512,
    ],
    ['Qwen3-8B: norms of queries and keys', { ...qwen3, intermediate_size: 12288, vocab_size: 151936 }, 8_190_735_360],
    ['BLOOM-560M', bloom560m, 559_214_592],
    ['DeepSeek-V2-Lite: queries not compressed', deepSeekV2Lite, 15_706_484_224],
    [
      'XLM-R large',
      { ...xlmR, model_type: 'xlm-roberta', vocab_size: 250002, max_position_embeddings: 514 },
      560_142_482,
    ],
    [
      'XLM-R XXL',
      {
        model_type: 'xlm-roberta-xl',
        num_hidden_layers: 48,
        hidden_size: 4096,
        num_attention_heads: 32,
        intermediate_size: 16384,
        vocab_size: 250880,
        max_position_embeddings: 514,
      },
      10_712_994_816,
    ],
    ['NLLB-200 600M', nllb600m, 615_073_792],
    ['ViT-B/16 without its classifier', vitB16, 85_798_656],
    [
      'GPT-NeoX-20B',
      {
        model_type: 'gpt_neox',
        num_hidden_layers: 44,
        hidden_size: 6144,
        num_attention_heads: 64,
        intermediate_size: 24576,
        vocab_size: 50432,
        max_position_embeddings: 2048,
      },
      20_554_567_680,
    ],
  ])('%s', (_, config, total) => {
    expect(parse(config).parameters.total).toBe(total);
  });

  it('gives the stack of an encoder and a decoder the arithmetic of both', () => {
    const { layers, heads, headDim, hidden, kind } = parse(nllb600m);
    expect({ layers, headDim, kind }).toEqual({ layers: 24, headDim: 64, kind: 'encoder-decoder' });
    // Twelve layers with one attention and twelve with two.
    expect(layers * 4 * hidden * heads * headDim).toBe((12 + 2 * 12) * 4 * hidden * hidden);
  });

  it('takes a model type it does not know by the rules of LLaMA', () => {
    const unknown = parse({ ...llama, model_type: 'new-thing' });
    expect(unknown.parameters.total).toBe(6_738_415_616);
    expect(parse({ ...llama, tie_word_embeddings: true }).parameters.total).toBe(6_738_415_616 - 32000 * 4096);
  });
});

/** What a name says of the size, in parameters; null where it says nothing. */
function sizeInName(name: string): { size: number; unit: number } | null {
  const [, figure = '', letter = ''] = /-(\d+(?:\.\d+)?)([mbt])$/.exec(name) ?? [];
  const unit = { m: 1e6, b: 1e9, t: 1e12 }[letter];
  return unit === undefined ? null : { size: Number(figure) * unit, unit };
}

describe('the catalogue', () => {
  it('has the models that the planner is asked about', () => {
    expect(names.length).toBeGreaterThanOrEqual(47);
    expect(names).toEqual(expect.arrayContaining(['gpt3-175b', 'megatron-1t', 'llama3-405b', 'hyperclova-82b']));
  });

  it.each(names)('%s has a source, whole heads and the size of its name', (name) => {
    const model = load(name);
    const { parameters, moe } = model;
    expect(model.name).toBe(name);
    expect(model.source).toMatch(/arXiv \d{4}\.\d{5}|Hugging Face \w+/);
    expect(model.heads % model.kvHeads).toBe(0);
    const headsMakeUpHidden = model.kind !== 'encoder-decoder' && model.latentAttention === null;
    expect(model.heads * model.headDim === model.hidden).toBe(headsMakeUpHidden);
    const sparse = moe === null ? 0 : model.layers - moe.denseLayers;
    expect(
      parameters.inputEmbedding +
        (model.layers - sparse) * parameters.denseLayer +
        sparse * parameters.sparseLayer +
        parameters.outputHead,
    ).toBe(parameters.total);
    expect(Object.values(parameters).every((figure) => Number.isSafeInteger(figure))).toBe(true);
    // Mixtral's names count the attention of each expert; those without a figure have nothing to hold to.
    const said = sizeInName(name);
    if (said === null || name.startsWith('mixtral')) return;
    const rounds = Math.round(parameters.total / said.unit) * said.unit === said.size;
    expect(rounds || Math.abs(parameters.total / said.size - 1) <= 0.03).toBe(true);
  });
});

const data = process.env['ORRERY_DATA'] ?? join(models, '..', '..', '..', 'shared', 'data');
const mosaicRows = ((): string[] => {
  try {
    return readFileSync(join(data, 'planner', 'mosaicml-fsdp.csv'), 'utf8')
      .trim()
      .split('\n')
      .slice(1);
  } catch {
    return [];
  }
})();

describe('MPT', () => {
  const shapes: Record<string, readonly [number, number, number]> = {
    '125m': [12, 768, 12],
    '350m': [24, 1024, 16],
    '760m': [24, 1536, 12],
    '1b': [24, 2048, 16],
    '3b': [32, 2560, 20],
    '7b': [32, 4096, 32],
    '13b': [40, 5120, 40],
    '30b': [48, 7168, 56],
    '70b': [80, 8192, 64],
  };

  const mpt = (size: string, max_seq_len: number, more: object = {}) => {
    const [n_layers, d_model, n_heads] = shapes[size] ?? [0, 0, 0];
    return parse({
      model_type: 'mpt',
      n_layers,
      d_model,
      n_heads,
      max_seq_len,
      vocab_size: 50368,
      ...more,
    });
  };

  it('has learned positions of the length it is trained on, unless it has ALiBi', () => {
    expect(mpt('125m', 2048).parameters.total).toBe(125_311_488);
    expect(mpt('125m', 2048, { attn_config: { alibi: true } }).parameters.total).toBe(125_311_488 - 2048 * 768);
    // Eleven widths a layer of biases and norms, one after the last layer.
    expect(mpt('125m', 2048, { no_bias: true }).parameters.total).toBe(125_311_488 - (12 * 11 + 1) * 768);
  });

  it.skipIf(mosaicRows.length === 0)(
    `has the parameters of the published runs (skipped where planner/mosaicml-fsdp.csv is not in ${data})`,
    () => {
      const wrong = mosaicRows.filter((row) => {
        const [size = '', sequence, ...rest] = row.split(',');
        return mpt(size, Number(sequence)).parameters.total !== Number(rest.at(-1));
      });
      expect(wrong).toEqual([]);
      expect(mosaicRows).toHaveLength(90);
    },
  );
});

describe('a file that is wrong', () => {
  const message = (json: string, fileName = 'config.json'): string => {
    try {
      parseModelFile(json, fileName);
    } catch (error) {
      expect(error).toMatchObject({ code: 'ORR_BAD_FILE', exitCode: 2 });
      return error instanceof Error ? error.message : '';
    }
    return 'accepted';
  };
  const without = (key: string) => JSON.stringify(Object.fromEntries(Object.entries(llama).filter(([k]) => k !== key)));

  it('is told the field that is missing and what would be valid', () => {
    expect(message(without('num_hidden_layers'))).toBe(
      'config.json:1:1 num_hidden_layers: missing: expected an integer > 0',
    );
    expect(message(without('vocab_size'))).toMatch(/^config.json:1:1 vocab_size: missing/);
    expect(message('{"model_type": "gpt2"}')).toMatch(/^config.json:1:1 n_layer: missing.*\(and 4 more\)$/);
  });

  it('is told the line and column of what is not valid', () => {
    const lines = JSON.stringify({ ...llama, hidden_size: '4k' }, null, 2);
    expect(message(lines)).toBe('config.json:4:3 hidden_size: expected an integer > 0, got "4k"');
  });

  it.each([
    [{ num_attention_heads: 33 }, 'num_attention_heads: expected a divisor of hidden_size (4096), got 33'],
    [{ num_key_value_heads: 5 }, 'num_key_value_heads: expected a divisor of num_attention_heads (32), got 5'],
    [{ num_hidden_layers: 0 }, 'num_hidden_layers: expected an integer > 0, got 0'],
    [{ tie_word_embeddings: 'no' }, 'tie_word_embeddings: expected true or false, got "no"'],
    [
      { model_type: 'mixtral', num_local_experts: 4, num_experts_per_tok: 6 },
      'num_experts_per_tok: expected at most num_local_experts (4), got 6',
    ],
    [
      { model_type: 'opt', ffn_dim: 9, word_embed_proj_dim: 512 },
      'word_embed_proj_dim: expected the same as hidden_size (4096), got 512',
    ],
  ])('%j', (change, text) => {
    expect(message(JSON.stringify({ ...llama, ...change }))).toContain(text);
  });

  it.each([
    ['{"a": 1 "b": 2}', `config.json:1:9 not JSON: Expected ',' or '}' after property value`],
    ['{\n  "a": 1,\n}', 'config.json:3:1 not JSON: Expected double-quoted property name'],
    ['{"a": [1', 'config.json:1:'],
    ['hello', 'config.json:1:1 expected a map of keys and values, got "hello"'],
    ['', 'config.json:1:1 expected a map of keys and values'],
  ])('%j is not JSON', (json, text) => {
    expect(message(json)).toContain(text);
  });

  it('may have the Infinity that Python writes', () => {
    expect(parseModelFile(JSON.stringify(llama).replace('{', '{"eps": Infinity,'), 'x.json').layers).toBe(32);
  });
});

describe('a model_type that is not known', () => {
  it('is read as LLaMA is, and says so', () => {
    const { layers, assumption } = parseModelFile(JSON.stringify({ ...llama, model_type: 'phi' }), 'phi/config.json');
    expect(layers).toBe(32);
    expect(assumption).toBe('phi: model_type "phi" is not known; read as LLaMA is: gated MLP, no biases');
    expect(parseModelFile(JSON.stringify(llama), 'config.json').assumption).toBeNull();
  });

  it.each(['num_experts', 'kv_lora_rank', 'ssm_cfg_state'])('is refused with parts that LLaMA has not: %s', (key) => {
    const json = JSON.stringify({ ...llama, model_type: 'other', [key]: 60 });
    expect(() => parseModelFile(json, 'config.json')).toThrow(
      new RegExp(`^config\\.json model_type: expected one of .*mixtral.* for a model with "${key}", got "other"$`),
    );
  });
});

it('has counts within reason', () => {
  const json = JSON.stringify({ ...llama, num_hidden_layers: 2 ** 53 - 1 });
  expect(() => parseModelFile(json, 'config.json')).toThrow('num_hidden_layers: expected at most 10000, got');
});

describe('the name of a model', () => {
  it.each([
    ['gpt3-175b.json', 'gpt3-175b'],
    ['/models/Llama-2-7b/config.json', 'Llama-2-7b'],
    ['./config.json', 'config'],
    ['config.json', 'config'],
  ])('from %s is %s', (fileName, name) => {
    expect(parse(llama, fileName).name).toBe(name);
  });
});
