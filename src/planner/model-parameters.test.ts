import { describe, expect, it } from 'vitest';
import type { ModelShape } from './model.ts';
import { modelParameters, type ParameterRules } from './model-parameters.ts';

/** Small enough to count by hand: width 8, two heads of 4, an MLP of 32, 10 tokens. */
const small: Omit<ModelShape, 'name' | 'parameters'> = {
  layers: 3,
  hidden: 8,
  heads: 2,
  kvHeads: 2,
  headDim: 4,
  ffn: 32,
  isGated: false,
  vocab: 10,
  sequenceLengthMax: 16,
  hasTiedEmbeddings: true,
  moe: null,
  latentAttention: null,
};

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

describe('parameters of a model', () => {
  it('are those of the matrices, norms and embedding', () => {
    const counted = modelParameters(small, WEIGHTS_ONLY);
    // Four 8 x 8 of attention, two 8 x 32, two norms of 8.
    const layer = 4 * 64 + 2 * 256 + 16;
    expect(counted).toEqual({
      total: 80 + 3 * layer + 8,
      active: 80 + 3 * layer + 8,
      denseLayer: layer,
      sparseLayer: 0,
      sparseLayerExperts: 0,
      inputEmbedding: 80,
      outputHead: 8,
    });
  });

  it('grow by biases, positions and an output matrix of its own', () => {
    const plain = modelParameters(small, WEIGHTS_ONLY);
    const biases = { queryKeyValue: true, attentionOutput: true, mlp: true };
    const biased = modelParameters(small, { ...WEIGHTS_ONLY, normVectors: 2, biases, positions: 16 });
    // Queries, keys and values 24, attention's output 8, MLP 32 + 8, two norms 16.
    expect(biased.denseLayer - plain.denseLayer).toBe(24 + 8 + 40 + 16);
    expect(biased.inputEmbedding - plain.inputEmbedding).toBe(16 * 8);
    expect(biased.outputHead - plain.outputHead).toBe(8);
    expect(modelParameters({ ...small, hasTiedEmbeddings: false }, WEIGHTS_ONLY).outputHead).toBe(8 + 80);
  });

  it('of a gated MLP are three matrices, of shared key and value heads fewer', () => {
    const plain = modelParameters(small, WEIGHTS_ONLY).denseLayer;
    expect(modelParameters({ ...small, isGated: true }, WEIGHTS_ONLY).denseLayer - plain).toBe(256);
    expect(plain - modelParameters({ ...small, kvHeads: 1 }, WEIGHTS_ONLY).denseLayer).toBe(2 * 8 * 4);
    expect(modelParameters(small, { ...WEIGHTS_ONLY, hasQueryKeyNorm: true }).denseLayer - plain).toBe(2 * 4);
  });

  it('of experts are all there, but for a token only those it is routed to', () => {
    const moe = {
      experts: 4,
      expertsPerToken: 1,
      sharedExperts: 1,
      expertFfn: 6,
      sharedFfn: 6,
      denseLayers: 1,
      sparseEvery: 1,
    };
    const dense = modelParameters(small, WEIGHTS_ONLY);
    const counted = modelParameters({ ...small, moe }, WEIGHTS_ONLY);
    const expert = 2 * 8 * 6;
    expect(counted.denseLayer).toBe(dense.denseLayer);
    expect(counted.sparseLayerExperts).toBe(4 * expert);
    // Attention and norms, the router, the shared expert, the routed ones.
    expect(counted.sparseLayer).toBe(4 * 64 + 16 + 4 * 8 + expert + 4 * expert);
    expect(counted.total).toBe(80 + counted.denseLayer + 2 * counted.sparseLayer + 8);
    expect(counted.total - counted.active).toBe(2 * 3 * expert);
    expect(modelParameters({ ...small, moe }, { ...WEIGHTS_ONLY, hasRouterBias: true }).sparseLayer).toBe(
      counted.sparseLayer + 4,
    );
  });

  it('are sparse in every second layer where the model says so', () => {
    const moe = {
      experts: 2,
      expertsPerToken: 1,
      sharedExperts: 0,
      expertFfn: 32,
      sharedFfn: 0,
      denseLayers: 0,
      sparseEvery: 2,
    };
    const counted = modelParameters({ ...small, layers: 4, moe }, WEIGHTS_ONLY);
    expect(counted.total).toBe(80 + 2 * counted.denseLayer + 2 * counted.sparseLayer + 8);
  });

  it('of latent attention are its projections and the norms between them', () => {
    const latentAttention = { qRank: 3, kvRank: 5, nopeHeadDim: 4, ropeHeadDim: 2, valueHeadDim: 7 };
    const mlp = 2 * 256 + 16;
    const keysAndValues = 8 * (5 + 2) + 5 + 5 * 2 * (4 + 7);
    const output = 2 * 7 * 8;
    const { denseLayer } = modelParameters({ ...small, latentAttention }, WEIGHTS_ONLY);
    expect(denseLayer - mlp).toBe(8 * 3 + 3 + 3 * 2 * 6 + keysAndValues + output);
    const uncompressed = modelParameters(
      { ...small, latentAttention: { ...latentAttention, qRank: null } },
      WEIGHTS_ONLY,
    );
    expect(uncompressed.denseLayer - mlp).toBe(8 * 2 * 6 + keysAndValues + output);
  });
});
