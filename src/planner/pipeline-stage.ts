import type { LayoutSlice } from './layout-slice.ts';
import type { ModelShape } from './model.ts';

/** Layers of a pipeline stage, from 0. Those that do not divide go to stages in the middle first, then to the first, then to the last. */
export function layersOfStage(stage: number, pp: number, layers: number): number {
  const least = Math.floor(layers / pp);
  const left = layers - least * pp;
  const rank = stage === pp - 1 ? pp - 1 : stage === 0 ? pp - 2 : stage - 1;
  return left > rank ? least + 1 : least;
}

/** Parameters of a stage of so many layers on one GPU, without routed experts. */
export function sharedParameters(
  slice: LayoutSlice,
  model: ModelShape,
  stage: number,
  pp: number,
  layers: number,
): number {
  let parameters = layers * slice.layerParameters;
  if (stage === 0) parameters += slice.inputParameters;
  if (stage === pp - 1) parameters += stage === 0 ? untiedHead(slice, model) : slice.headParameters;
  return parameters;
}

/** Parameters of the head that are not the input embedding's. */
export function untiedHead(slice: LayoutSlice, model: ModelShape): number {
  return model.hasTiedEmbeddings ? 0 : slice.headParameters;
}
