import type { Model } from '../models.ts';

/** What there is to say of one model, label and value, ready to print. */
export function modelFacts(model: Model): [string, string][] {
  const { parameters, moe, latentAttention: latent } = model;
  const whole = (figure: number) => figure.toLocaleString('en');
  const facts: [string, string][] = [
    ['Parameters', whole(parameters.total)],
    ['  touched by a token', whole(parameters.active)],
    ['  before the first layer', whole(parameters.inputEmbedding)],
    ['  a dense layer', whole(parameters.denseLayer)],
    ['  a sparse layer', whole(parameters.sparseLayer)],
    ['    its routed experts', whole(parameters.sparseLayerExperts)],
    ['  after the last layer', whole(parameters.outputHead)],
    ['Layers', whole(model.layers)],
    ['Hidden', whole(model.hidden)],
    ['Heads', `${whole(model.heads)} of ${whole(model.headDim)}`],
    ['  for keys and values', whole(model.kvHeads)],
    ['MLP', `${whole(model.ffn)}, ${model.isGated ? 'gated (three matrices)' : 'two matrices'}`],
    ['Vocabulary', whole(model.vocab)],
    ['  embedding and output', model.hasTiedEmbeddings ? 'one matrix' : 'two matrices'],
    ['Sequence, at most', whole(model.sequenceLengthMax)],
  ];
  if (moe !== null) {
    facts.push(
      ['Experts', `${whole(moe.experts)} of ${whole(moe.expertFfn)}, ${moe.expertsPerToken} for a token`],
      ['  shared', moe.sharedExperts === 0 ? 'none' : `${moe.sharedExperts}, ${whole(moe.sharedFfn)} together`],
      ['  first dense layers', whole(moe.denseLayers)],
    );
  }
  if (latent !== null) {
    facts.push(
      ['Latent attention', `keys and values from ${latent.kvRank}, queries from ${latent.qRank ?? 'the whole width'}`],
      ['  head', `${latent.nopeHeadDim} + ${latent.ropeHeadDim} rotary, values ${latent.valueHeadDim}`],
    );
  }
  facts.push(['Source', model.source ?? 'not given']);
  return facts.filter(([label]) => moe !== null || !/sparse|experts/.test(label));
}
