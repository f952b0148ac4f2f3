import { type ClusterReport, readCatalogue, readCluster } from '../src/cli/cluster-report.ts';
import { gpusOf } from '../src/cli/plan/request.ts';
import { CHECKPOINT_PAUSE_SECONDS } from '../src/planner/checkpointing.ts';
import { RESTART_SECONDS_DEFAULT } from '../src/planner/failures.ts';
import {
  BATCH_ROOM,
  IDLE_MOST,
  largestThird,
  measureScaling,
  runRatio,
  type Scaling,
  SEQUENCE_LENGTH,
  STACK,
  stepRatio,
} from './claims-scaling.ts';

/** `docs/claims.md`: what the press says of the reference machines, next to what Orrery computes. The same text for the same catalogue. */
export async function claimsPage(): Promise<string> {
  const catalogue = await readCatalogue();
  const cluster = (name: string) => readCluster(name, catalogue);
  const rscOne = await cluster('rsc-phase1');
  const rscTwo = await cluster('rsc-phase2');
  const scaling = await measureScaling(rscOne, rscTwo);
  return [
    HEAD,
    parityWithPerlmutter(rscOne, await cluster('perlmutter')),
    parityWithCori(await cluster('naver-superpod'), await cluster('cori')),
    twoAndAHalfTimes(scaling, rscOne, rscTwo),
    await nineWeeksToThree(scaling, rscOne, rscTwo),
    ARITHMETIC,
  ].join('\n');
}

const HEAD = `# The claims, computed

Written by \`npm run claims\`; a test holds this page against what the command gives. Training rates are predictions of the planner
(\`--stack ${STACK}\`, BF16, sequences of ${count(SEQUENCE_LENGTH)} tokens, the fastest layout of its whole space without offload). No published run it was fitted on used more than
3,072 GPUs: what is said of 6,080 and 16,000 is extrapolated, and knows no stragglers and no congestion but those in the fitted constants.
`;

function parityWithPerlmutter(rsc: ClusterReport, perlmutter: ClusterReport): string {
  const estimate = definite(rsc.hplEstimate);
  const measured = definite(perlmutter.hpl).rmaxFlops;
  const ratio = (flops: number) => (flops / measured).toFixed(2);
  const ours = definite(rsc.totals.gpuPeakFlops.bf16);
  const theirs = definite(perlmutter.totals.gpuPeakFlops.bf16);
  return `## RSC phase 1 is on a par with Perlmutter

    orrery clusters show rsc-phase1
    orrery clusters show perlmutter

| | RSC phase 1 | Perlmutter | ratio |
| --- | --- | --- | --- |
| GPUs, all A100 | ${count(rsc.totals.gpus)} | ${count(perlmutter.totals.gpus)} | ${(rsc.totals.gpus / perlmutter.totals.gpus).toFixed(2)} |
| peak, BF16 dense | ${peta(ours)} | ${peta(theirs)} | ${(ours / theirs).toFixed(2)} |
| HPL Rmax | ${range(estimate)}, estimated | ${peta(measured, 2)}, measured | ${ratio(estimate.rmaxFlops)} (${ratio(estimate.lowFlops)} to ${ratio(estimate.highFlops)}) |

**Holds** in mixed precision: the two are within ${Math.abs(100 * (ours / theirs - 1)).toFixed(0)} % of each other. On HPL phase 1 would be ahead, as its GPUs have twice the memory; it never ran it.
The 1,895 PFLOP/s that the press calls TF32 are the dense BF16 peak; dense TF32 is half of it.
`;
}

function parityWithCori(naver: ClusterReport, cori: ClusterReport): string {
  const estimate = definite(naver.hplEstimate);
  const measured = definite(cori.hpl).rmaxFlops;
  const isLevel = estimate.lowFlops <= measured && measured <= estimate.highFlops;
  return `## 140 DGX A100 are about 14 petaflops, on a par with Cori

    orrery clusters show naver-superpod
    orrery clusters show cori
    npm run fit:hpl

| | the article | NAVER SuperPOD | Cori |
| --- | --- | --- | --- |
| HPL Rmax | about 14 PFLOP/s | ${range(estimate)}, estimated | ${peta(measured, 2)}, measured |

**${isLevel ? 'Holds' : 'Does not hold'}**, for HPL: the range ${isLevel ? 'contains' : 'does not contain'} Cori's figure. The machine never ran HPL; the article's figure is half of what Selene reached with 280 such nodes.
HiPerGator AI, of as many nodes, measured 17.20 PFLOP/s a year later, above the range for GPUs of 40 GB. The 700 PFLOP/s of the press are another unit: FP16 with sparsity.
`;
}

function twoAndAHalfTimes(scaling: readonly Scaling[], rscOne: ClusterReport, rscTwo: ClusterReport): string {
  const rows = scaling.map(({ model, batch, one, two, twoGrown }) =>
    row(
      model,
      tokensOf(batch),
      mega(one.tokensPerSecond),
      mega(two.tokensPerSecond),
      mega(twoGrown.tokensPerSecond),
      marked(stepRatio(one, two)),
      marked(stepRatio(one, twoGrown)),
      marked(runRatio(one, two)),
      marked(runRatio(one, twoGrown)),
    ),
  );
  const rates = scaling.flatMap(({ one, two, twoGrown }) => [one, two, twoGrown]);
  const overNodes = rates.filter(({ isTensorSplitOverNodes }) => isTensorSplitOverNodes).length;
  const reached = (ratio: (each: Scaling) => number) => scaling.filter((each) => ratio(each) >= 2.5).length;
  const of = scaling.length;
  const strong = reached(({ one, two }) => stepRatio(one, two));
  const weak = reached(({ one, twoGrown }) => stepRatio(one, twoGrown));
  const runStrong = reached(({ one, two }) => runRatio(one, two));
  const runWeak = reached(({ one, twoGrown }) => runRatio(one, twoGrown));
  const growth = growthOf(rscOne, rscTwo);
  const uneven = scaling.some(
    ({ one, two, twoGrown }) => Math.max(stepRatio(one, two), stepRatio(one, twoGrown)) > 1.01 * growth,
  );
  const verdict =
    weak === of && strong < of / 2
      ? 'Holds if the batch grows with the machine'
      : weak === 0
        ? 'Refuted'
        : strong === of
          ? 'Holds'
          : 'Holds for some models and batches';
  return `## Phase 2 trains 2.5 times as fast as phase 1, or better

    orrery plan --compare rsc-phase1,rsc-phase2 --model opt-66b --tokens 300B --seq ${SEQUENCE_LENGTH} --stack ${STACK}

There are ${count(gpusOf(rscTwo))} / ${count(gpusOf(rscOne))} = ${growth.toFixed(2)} times as many GPUs: 2.5 is a scaling efficiency of ${((100 * 2.5) / growth).toFixed(0)} %. *Strong*: the same global batch on both; *weak*: on phase 2 one grown with the GPUs.
*Run*: with failures at the rate of RSC-1, ${RESTART_SECONDS_DEFAULT / 60} minutes a restart, and a checkpoint that costs ${CHECKPOINT_PAUSE_SECONDS} s and its writing at the best interval. Batch, replicas and stages must divide: each rate is of the best batch within ${100 * BATCH_ROOM} % of the one named and of the best number of GPUs from ${100 * (1 - IDLE_MOST)} % up.

| model | batch, tokens | phase 1, tokens/s | phase 2, same batch | phase 2, batch grown | strong | weak | run, strong | run, weak |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
${rows.join('\n')}

**${verdict}.** In steps alone 2.5 is reached in ${strong} of ${of} cases with the same batch, and in ${weak} with a batch grown by the same factor: a small batch leaves each replica too few microbatches to fill its pipeline.
Over a whole run it is reached in ${runStrong} and in ${runWeak}, as ${growth.toFixed(2)} times the nodes fail as many times as often and each failure stops them all.${uneven ? ` Where a ratio is above ${growth.toFixed(2)}, phase 1 is held back: its 2^6 x 5 x 19 GPUs and the batch leave no layout as good.` : ''}
The fastest layout splits tensors over several nodes for ${overNodes} of the ${rates.length} rates; the published runs that do so have at most 256 GPUs.
`;
}

async function nineWeeksToThree(
  scaling: readonly Scaling[],
  rscOne: ClusterReport,
  rscTwo: ClusterReport,
): Promise<string> {
  const rows = scaling.map(({ model, batch, one, two, twoGrown }) =>
    row(
      model,
      tokensOf(batch),
      (9 / stepRatio(one, two)).toFixed(1),
      (9 / runRatio(one, two)).toFixed(1),
      (9 / runRatio(one, twoGrown)).toFixed(1),
    ),
  );
  const ettrOne = Math.min(...scaling.map(({ one }) => one.ettr));
  const growth = growthOf(rscOne, rscTwo);
  const bestRatio = Math.max(
    ...scaling.map(({ one, two, twoGrown }) => Math.max(runRatio(one, two), runRatio(one, twoGrown))),
  );
  // The case whose commands are given; what phase 1 trains in nine weeks.
  const middle = definite(scaling[1]).batch;
  const shown = definite(scaling.find(({ model, batch }) => model === 'opt-66b' && batch === middle));
  const tokens = `${((shown.one.tokensPerSecond * shown.one.ettr * 9 * 7 * 86_400) / 1e12).toFixed(1)}T`;
  const parts: string[] = [];
  for (const each of scaling) {
    if (each.batch !== middle) continue;
    const gpus = await largestThird(rscOne, each);
    parts.push(row(each.model, tokensOf(each.batch), count(gpus), `${((100 * gpus) / gpusOf(rscOne)).toFixed(0)} %`));
  }
  return `## A run of nine weeks takes three

    orrery plan --cluster rsc-phase1 --model ${shown.model} --tokens ${tokens} --seq ${SEQUENCE_LENGTH} --gpus ${shown.one.gpus} --global-batch ${shown.one.globalBatch} --stack ${STACK}
    orrery plan --cluster rsc-phase2 --model ${shown.model} --tokens ${tokens} --seq ${SEQUENCE_LENGTH} --gpus ${shown.two.gpus} --global-batch ${shown.two.globalBatch} --stack ${STACK} --deadline 3w

Weeks on phase 2 of a run that takes nine on phase 1:

| model | batch, tokens | steps alone, same batch | with failures, same batch | with failures, batch grown |
| --- | --- | --- | --- | --- |
${rows.join('\n')}

**${bestRatio < 3 ? 'Refuted' : 'Holds for some'}** from phase 1 to phase 2. Three times as fast is more than ${growth.toFixed(2)} times the GPUs give: with the same efficiency on both and a phase 2 on which nothing fails, the factor is ${growth.toFixed(2)} / ${ettrOne.toFixed(3)} = ${(growth / ettrOne).toFixed(2)},
where ${ettrOne.toFixed(3)} is the effective training time ratio on phase 1. The best case above takes ${(9 / bestRatio).toFixed(1)} weeks.

**Holds if** one of these does:

- *The base is the older cluster.* Meta says it of that: against its infrastructure of 22,000 V100 GPUs RSC trained large language models three times as fast, so that a model of tens of billions of parameters
  took three weeks instead of nine (https://bizzbuzz.news/economy/our-ai-supercomputer-will-be-fastest-says-meta-1101342). A V100's peak (125 TFLOP/s, NVIDIA's data sheet) is 1 / 2.5 of an A100's (312 TFLOP/s);
  on as many GPUs the rest is 1.2 times the utilisation. Orrery has no constants for V100 GPUs and does not predict it.
- *The run of nine weeks did not use all of phase 1.* So many GPUs at most, if all of phase 2 is to be three times as fast with failures and the same batch:

| model | batch, tokens | GPUs of phase 1 | of all |
| --- | --- | --- | --- |
${parts.join('\n')}

- *The work shrinks too*: fewer tokens, or a stack that computes more of the peak.
`;
}

const ARITHMETIC = `## 14 petaflops are 1,400조 operations a second

    14 petaflops = 14 x 10^15 = ${korean(14e15)} operations a second

| | the article | computed |
| --- | --- | --- |
| 14 petaflops | 1,400조 (1.4 x 10^15) | ${korean(14e15)} (1.4 x 10^16) |

**Refuted.** 조 is 10^12 and 경 10^16: 14 petaflops are ten times as many as the article says. 1,400조 operations a second are 1.4 petaflops.
`;

/** A whole number in Korean myriads, 14e15 as `1경 4,000조`. */
export function korean(value: number): string {
  const words: string[] = [];
  let rest = value;
  for (const [name, size] of [
    ['경', 1e16],
    ['조', 1e12],
    ['억', 1e8],
    ['만', 1e4],
    ['', 1],
  ] as const) {
    const digits = Math.floor(rest / size);
    rest -= digits * size;
    if (digits > 0) words.push(`${count(digits)}${name}`);
  }
  return words.join(' ');
}

function growthOf(one: ClusterReport, two: ClusterReport): number {
  return gpusOf(two) / gpusOf(one);
}

function definite<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) throw new Error('the catalogue lacks a figure of this page');
  return value;
}

function row(...cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function marked(ratio: number): string {
  return ratio >= 2.5 ? `**${ratio.toFixed(2)}**` : ratio.toFixed(2);
}

function count(value: number): string {
  return value.toLocaleString('en');
}

function tokensOf(batch: number): string {
  return `${((batch * SEQUENCE_LENGTH) / 1e6).toFixed(1)} M`;
}

function mega(tokensPerSecond: number): string {
  return `${(tokensPerSecond / 1e6).toPrecision(3)} M`;
}

function peta(flops: number, digits = 0): string {
  return `${(flops / 1e15).toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })} PFLOP/s`;
}

function range({ rmaxFlops, lowFlops, highFlops }: { rmaxFlops: number; lowFlops: number; highFlops: number }): string {
  const [low, middle, high] = [lowFlops, rmaxFlops, highFlops].map((flops) => (flops / 1e15).toFixed(1));
  return `${middle} PFLOP/s (${low} to ${high})`;
}
