import type { MemoryBreakdown, StepBreakdown } from '../../../planner/step-cost.ts';
import { BLACK, type Ink, WHITE } from '../page-style.ts';

/** Blue computes, violet computes again, orange communicates, grey waits, green updates: hues that colour-blind readers tell apart; parts are numbered besides. */
export const STEP_INKS: Readonly<Record<keyof StepBreakdown, Ink>> = {
  compute: { fill: '#1f5fa8', text: WHITE },
  memoryBound: { fill: '#5b9bd5', text: BLACK },
  embedding: { fill: '#a9cdee', text: BLACK },
  recompute: { fill: '#7a4fa0', text: WHITE },
  tensorParallel: { fill: '#b04a06', text: WHITE },
  contextParallel: { fill: '#d98032', text: BLACK },
  expertParallel: { fill: '#e8a866', text: BLACK },
  pipeline: { fill: '#f2cfa4', text: BLACK },
  dataParallel: { fill: '#e07b39', text: BLACK },
  bubble: { fill: '#646b78', text: WHITE },
  host: { fill: '#b4bac3', text: BLACK },
  optimizer: { fill: '#0b7262', text: WHITE },
  offload: { fill: '#7cc7b7', text: BLACK },
};

export const MEMORY_INKS: Readonly<Record<keyof MemoryBreakdown, Ink>> = {
  weights: { fill: '#1f5fa8', text: WHITE },
  gradients: { fill: '#5b9bd5', text: BLACK },
  optimizer: { fill: '#0b7262', text: WHITE },
  activations: { fill: '#d98032', text: BLACK },
  temporary: { fill: '#f2cfa4', text: BLACK },
  reserve: { fill: '#b4bac3', text: BLACK },
};
