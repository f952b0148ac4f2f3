import { z } from 'zod';
import type { LatentAttention, MixtureOfExperts, ModelShape } from '../planner/model.ts';
import type { ParameterRules } from '../planner/model-parameters.ts';
import { count, field, layerCount, readFields } from './model-fields.ts';

export type ModelKind = 'decoder' | 'encoder' | 'encoder-decoder' | 'vision';

/** A model without its name, and the rules by which its parameters are counted. */
export interface ModelArchitecture extends Omit<ModelShape, 'name' | 'parameters'> {
  kind: ModelKind;
  rules: ParameterRules;
}

/** Weights only, norms without a bias, as in LLaMA. */
const WEIGHTS_ONLY: ParameterRules = {
  normVectors: 1,
  biases: { queryKeyValue: false, attentionOutput: false, mlp: false },
  hasQueryKeyNorm: false,
  hasRouterBias: false,
  positions: 0,
  otherInput: 0,
  otherLayer: 0,
  otherOutput: 0,
};

/** Biases everywhere, norms with one, as in GPT-2. */
const ALL_BIASES: ParameterRules = {
  ...WEIGHTS_ONLY,
  normVectors: 2,
  biases: { queryKeyValue: true, attentionOutput: true, mlp: true },
};

type ReadArchitecture = (json: string, fileName: string, present: ReadonlySet<string>) => ModelArchitecture;

function family<Shape extends z.ZodRawShape>(
  fields: Shape,
  architecture: (values: z.output<z.ZodObject<Shape>>) => ModelArchitecture,
): ReadArchitecture {
  return (json, fileName, present) => architecture(readFields(json, fileName, present, z.object(fields)));
}

function flag(byDefault: boolean, ...keys: [string, ...string[]]): z.ZodType<boolean> {
  return field(z.boolean().default(byDefault), ...keys);
}

const optionalCount = count.nullish();

/** Keys that most configurations share. */
const common = {
  layers: field(layerCount, 'num_hidden_layers', 'n_layer'),
  hidden: field(count, 'hidden_size', 'n_embed', 'n_embd'),
  heads: field(count, 'num_attention_heads', 'n_head'),
  vocab: field(count, 'vocab_size'),
};
const sequence = field(count, 'max_position_embeddings');
const ffn = field(count, 'intermediate_size');

interface Dense {
  layers: number;
  hidden: number;
  heads: number;
  ffn: number;
  vocab: number;
  sequence: number;
  tied: boolean;
  kvHeads?: number | null | undefined;
  headDim?: number | null | undefined;
}

function dense(isGated: boolean, values: Dense, rules: ParameterRules): ModelArchitecture {
  return {
    kind: 'decoder',
    layers: values.layers,
    hidden: values.hidden,
    heads: values.heads,
    kvHeads: values.kvHeads ?? values.heads,
    headDim: values.headDim ?? values.hidden / values.heads,
    ffn: values.ffn,
    isGated,
    vocab: values.vocab,
    sequenceLengthMax: values.sequence,
    hasTiedEmbeddings: values.tied,
    moe: null,
    latentAttention: null,
    rules,
  };
}

/** GPT-2 and GPT-3: learned positions, biases, MLP of four times the width unless `n_inner` says otherwise. */
const gpt2 = family(
  {
    ...common,
    layers: field(layerCount, 'n_layer', 'num_hidden_layers'),
    hidden: field(count, 'n_embd', 'hidden_size'),
    heads: field(count, 'n_head', 'num_attention_heads'),
    ffn: field(optionalCount, 'n_inner'),
    sequence: field(count, 'n_positions', 'n_ctx', 'max_position_embeddings'),
    tied: flag(true, 'tie_word_embeddings'),
  },
  (values) =>
    dense(false, { ...values, ffn: values.ffn ?? 4 * values.hidden }, { ...ALL_BIASES, positions: values.sequence }),
);

/** The same as Megatron-LM writes it, with the keys of GPT-NeoX (Narayanan et al., SC'21, arXiv 2104.04473, section 5.1). */
const megatronGpt = family(
  { ...common, ffn: field(optionalCount, 'intermediate_size'), sequence, tied: flag(true, 'tie_word_embeddings') },
  (values) =>
    dense(false, { ...values, ffn: values.ffn ?? 4 * values.hidden }, { ...ALL_BIASES, positions: values.sequence }),
);

const gptNeoX = family({ ...common, ffn, sequence, tied: flag(false, 'tie_word_embeddings') }, (values) =>
  dense(false, values, ALL_BIASES),
);

const llamaFields = {
  ...common,
  ffn,
  sequence,
  kvHeads: field(optionalCount, 'num_key_value_heads'),
  headDim: field(optionalCount, 'head_dim'),
  tied: flag(false, 'tie_word_embeddings'),
  attentionBias: flag(false, 'attention_bias'),
  mlpBias: flag(false, 'mlp_bias'),
};

function llamaRules({ attentionBias, mlpBias }: { attentionBias: boolean; mlpBias: boolean }): ParameterRules {
  const biases = { queryKeyValue: attentionBias, attentionOutput: attentionBias, mlp: mlpBias };
  return { ...WEIGHTS_ONLY, biases };
}

const llama = family(llamaFields, (values) => dense(true, values, llamaRules(values)));
const qwen2 = family(llamaFields, (values) =>
  dense(true, values, { ...WEIGHTS_ONLY, biases: { queryKeyValue: true, attentionOutput: false, mlp: false } }),
);
const qwen3 = family(llamaFields, (values) => dense(true, values, { ...llamaRules(values), hasQueryKeyNorm: true }));

const mixtral = family(
  {
    ...llamaFields,
    experts: field(count, 'num_local_experts'),
    expertsPerToken: field(count, 'num_experts_per_tok'),
  },
  (values) => {
    const moe: MixtureOfExperts = {
      experts: values.experts,
      expertsPerToken: values.expertsPerToken,
      sharedExperts: 0,
      expertFfn: values.ffn,
      sharedFfn: 0,
      denseLayers: 0,
      sparseEvery: 1,
    };
    return { ...dense(true, values, llamaRules(values)), moe };
  },
);

const deepSeekFields = {
  ...common,
  ffn,
  sequence,
  tied: flag(false, 'tie_word_embeddings'),
  experts: field(count, 'n_routed_experts'),
  expertsPerToken: field(count, 'num_experts_per_tok'),
  sharedExperts: field(z.int().min(0).nullish(), 'n_shared_experts'),
  expertFfn: field(count, 'moe_intermediate_size'),
  denseLayers: field(z.int().min(0).default(0), 'first_k_dense_replace'),
  sparseEvery: field(count.default(1), 'moe_layer_freq'),
  qRank: field(optionalCount, 'q_lora_rank'),
  kvRank: field(count, 'kv_lora_rank'),
  nopeHeadDim: field(count, 'qk_nope_head_dim'),
  ropeHeadDim: field(count, 'qk_rope_head_dim'),
  valueHeadDim: field(count, 'v_head_dim'),
  // Heads of latent attention are not slices of the hidden width; naming the value's width spares the check that they are.
  headDim: field(count, 'v_head_dim'),
};

/** DeepSeek-V2 and V3, without the multi-token prediction module. */
function deepSeek(hasRouterBias: boolean): ReadArchitecture {
  return family(deepSeekFields, (values) => {
    const sharedExperts = values.sharedExperts ?? 0;
    const moe: MixtureOfExperts = {
      experts: values.experts,
      expertsPerToken: values.expertsPerToken,
      sharedExperts,
      expertFfn: values.expertFfn,
      sharedFfn: sharedExperts * values.expertFfn,
      denseLayers: values.denseLayers,
      sparseEvery: values.sparseEvery,
    };
    const latentAttention: LatentAttention = {
      qRank: values.qRank ?? null,
      kvRank: values.kvRank,
      nopeHeadDim: values.nopeHeadDim,
      ropeHeadDim: values.ropeHeadDim,
      valueHeadDim: values.valueHeadDim,
    };
    return { ...dense(true, values, { ...WEIGHTS_ONLY, hasRouterBias }), moe, latentAttention };
  });
}

/** Positions have two rows more than tokens. Without the projections of OPT-350M, whose embedding is narrower than its layers. */
const opt = family(
  {
    ...common,
    ffn: field(count, 'ffn_dim'),
    sequence,
    embeddingWidth: field(optionalCount, 'word_embed_proj_dim'),
    tied: flag(true, 'tie_word_embeddings'),
  },
  (values) => dense(false, values, { ...ALL_BIASES, positions: values.sequence + 2 }),
);

/** ALiBi positions, and a norm after the embedding. */
const bloom = family(
  {
    ...common,
    layers: field(layerCount, 'n_layer', 'num_hidden_layers'),
    sequence: field(count.default(2048), 'seq_length'),
    tied: flag(true, 'tie_word_embeddings'),
  },
  (values) => dense(false, { ...values, ffn: 4 * values.hidden }, { ...ALL_BIASES, otherInput: 2 * values.hidden }),
);

/** MosaicML's: learned positions unless ALiBi; `no_bias` takes the norms' biases too. */
const mpt = family(
  {
    layers: field(layerCount, 'n_layers'),
    hidden: field(count, 'd_model'),
    heads: field(count, 'n_heads'),
    vocab: field(count, 'vocab_size'),
    sequence: field(count, 'max_seq_len'),
    expansion: field(z.number().positive().default(4), 'expansion_ratio'),
    attention: field(z.looseObject({ alibi: z.boolean().default(false) }).nullish(), 'attn_config'),
    learnedPositions: flag(true, 'learned_pos_emb'),
    noBias: flag(false, 'no_bias'),
    tied: flag(true, 'tie_word_embeddings'),
  },
  (values) => {
    const hasPositions = values.learnedPositions && values.attention?.alibi !== true;
    const rules = values.noBias ? WEIGHTS_ONLY : ALL_BIASES;
    const ffn = Math.floor(values.expansion * values.hidden);
    return dense(false, { ...values, ffn }, { ...rules, positions: hasPositions ? values.sequence : 0 });
  },
);

const encoderFields = {
  ...common,
  ffn,
  positions: field(z.int().min(3), 'max_position_embeddings'),
  tokenTypes: field(z.int().min(0).default(1), 'type_vocab_size'),
  tied: flag(true, 'tie_word_embeddings'),
};

/**
 * XLM-R with its masked-language-model head (a dense layer, a norm, a bias for each token) and without a pooler, as it is trained. Two of the position rows are
 * never used. The XL variant has a norm after the last layer and none after the embedding.
 */
function xlmRoberta(isXl: boolean): ReadArchitecture {
  return family(encoderFields, (values) => {
    const { hidden } = values;
    const norm = 2 * hidden;
    const rules: ParameterRules = {
      ...ALL_BIASES,
      positions: values.positions,
      otherInput: values.tokenTypes * hidden + (isXl ? 0 : norm),
      otherOutput: hidden * hidden + hidden + values.vocab + (isXl ? norm : 0),
    };
    return { ...dense(false, { ...values, sequence: values.positions - 2 }, rules), kind: 'encoder' };
  });
}

/**
 * M2M-100 and NLLB: an encoder and a decoder of equal depth and width, sinusoidal positions, one embedding for all. To the planner this is a stack of both one
 * after the other over sequence pairs: a decoder layer attends twice, so the average layer has one and a half times the heads. Its arithmetic for equally long
 * source and target is the same, and so is its count of parameters; which layer has them is not.
 */
const m2m100 = family(
  {
    layers: field(layerCount, 'encoder_layers'),
    decoderLayers: field(count, 'decoder_layers'),
    hidden: field(count, 'd_model'),
    heads: field(count.multipleOf(2, 'expected an even number'), 'encoder_attention_heads'),
    decoderHeads: field(count, 'decoder_attention_heads'),
    ffn: field(count, 'encoder_ffn_dim'),
    decoderFfn: field(count, 'decoder_ffn_dim'),
    vocab: field(count, 'vocab_size'),
    sequence,
    tied: flag(true, 'tie_word_embeddings'),
  },
  (values) => {
    const { hidden } = values;
    // On average half of the second attention's output bias and of its norm, and the encoder's norm after its last layer.
    const rules = { ...ALL_BIASES, otherLayer: 1.5 * hidden, otherInput: 2 * hidden };
    const stack = { layers: 2 * values.layers, heads: 1.5 * values.heads, headDim: hidden / values.heads };
    return { ...dense(false, { ...values, ...stack }, rules), kind: 'encoder-decoder' };
  },
);

/** A class token and the patches of an image, learned positions; without pooler and classifier, whose arithmetic is that of one token. */
const vit = family(
  {
    layers: common.layers,
    hidden: common.hidden,
    heads: common.heads,
    ffn,
    image: field(count, 'image_size'),
    patch: field(count, 'patch_size'),
    channels: field(count.default(3), 'num_channels'),
    queryKeyValueBias: flag(true, 'qkv_bias'),
  },
  (values) => {
    const sequence = (values.image / values.patch) ** 2 + 1;
    const rules: ParameterRules = {
      ...ALL_BIASES,
      biases: { ...ALL_BIASES.biases, queryKeyValue: values.queryKeyValueBias },
      positions: sequence,
      otherInput: values.hidden * (values.channels * values.patch ** 2 + 2),
    };
    return { ...dense(false, { ...values, vocab: 0, sequence, tied: true }, rules), kind: 'vision' };
  },
);

/** By `model_type`; those that are not here are read as `llama`, whose keys and layers most decoders share. */
export const MODEL_FAMILIES: ReadonlyMap<string, ReadArchitecture> = new Map([
  ['gpt2', gpt2],
  ['megatron-gpt', megatronGpt],
  ['gpt_neox', gptNeoX],
  ['llama', llama],
  ['mistral', llama],
  ['qwen2', qwen2],
  ['qwen3', qwen3],
  ['mixtral', mixtral],
  ['deepseek_v2', deepSeek(false)],
  ['deepseek_v3', deepSeek(true)],
  ['opt', opt],
  ['bloom', bloom],
  ['mpt', mpt],
  ['xlm-roberta', xlmRoberta(false)],
  ['xlm-roberta-xl', xlmRoberta(true)],
  ['m2m_100', m2m100],
  ['vit', vit],
]);
export const OTHER_FAMILY: ReadArchitecture = llama;
