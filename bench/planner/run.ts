// The planner on one core: the search for the best layout, held against brute force, and the bare evaluator.
// node bench/planner/run.ts [--json] [--rounds 5]
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadEfficiency } from '../../src/cli/efficiency.ts';
import { loadModel } from '../../src/cli/models.ts';
import { parseClusterFile, parseGpuFile } from '../../src/formats/cluster-file.ts';
import { definite } from '../../src/lib/assert.ts';
import { Estimator } from '../../src/planner/estimator.ts';
import { createStepCost } from '../../src/planner/step-cost.ts';
import { compareLayouts, LayoutSpace } from '../../src/planner/layout-space.ts';
import { machineOfCluster, type PlannedGpu, plannedGpu } from '../../src/planner/machine.ts';
import type { Parallelism } from '../../src/planner/parallelism.ts';
import { comparePoints, type Point } from '../../src/planner/pareto.ts';
import { type Candidate, search, type SearchRequest, type SearchResult } from '../../src/planner/search.ts';

const { values: options } = parseArgs({
  options: { json: { type: 'boolean', default: false }, rounds: { type: 'string', default: '5' } },
});
const rounds = Number(options.rounds);

interface Case {
  model: string;
  cluster: string;
  gpus: number;
  globalBatch: number;
  sequenceLength: number;
}

/** The first is the one that the project promises to answer in a second; the others have larger spaces. */
const CASES: readonly Case[] = [
  { model: 'gpt3-175b', cluster: 'rsc-phase1', gpus: 4096, globalBatch: 1536, sequenceLength: 2048 },
  { model: 'llama3-405b', cluster: 'rsc-phase2', gpus: 16_000, globalBatch: 4000, sequenceLength: 8192 },
  { model: 'mixtral-8x22b', cluster: 'rsc-phase2', gpus: 2048, globalBatch: 2048, sequenceLength: 32_768 },
];
const CONFIGURATIONS_LEAST = 1_000_000;
/** Of Calculon's own search on one core with its debug logging off: figures from elsewhere, it is not run here. */
const CALCULON_PER_SECOND = { low: 850, high: 910 };

const read = (...path: string[]) => readFileSync(join(import.meta.dirname, '..', '..', 'catalog', ...path), 'utf8');
const models = new Map(await Promise.all(CASES.map(async ({ model }) => [model, await loadModel(model)] as const)));
const gpu = planned();
const efficiency = await loadEfficiency('megatron-2022', gpu.name);

function planned(): PlannedGpu {
  const found = plannedGpu(parseGpuFile(read('gpus', 'a100-80.yaml'), 'a100-80.yaml'), 'bf16');
  if ('lacks' in found) throw new Error(`a100-80.yaml: ${found.lacks} is missing`);
  return found;
}

function requestOf({ model: name, cluster: clusterName, gpus, globalBatch, sequenceLength }: Case): SearchRequest {
  const model = definite(models.get(name), 'the models of all cases are loaded');
  const cluster = parseClusterFile(read('clusters', `${clusterName}.yaml`), `${clusterName}.yaml`, [gpu.name]);
  const machine = machineOfCluster(cluster, gpu, gpus);
  return { model, machine, workload: { sequenceLength, globalBatch }, efficiency };
}

function spaceOf({ model, machine, workload }: SearchRequest): LayoutSpace {
  return new LayoutSpace(model, machine, workload, efficiency.stack.stack);
}

function median(values: readonly number[]): number {
  return definite(values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)], 'something was measured');
}

function timeSeconds<T>(work: () => T): [result: T, seconds: number] {
  const startedAt = performance.now();
  const result = work();
  return [result, (performance.now() - startedAt) / 1000];
}

/** The fastest layout that fits, by evaluating all. */
function bruteForce(request: SearchRequest): Point {
  const { model, machine, workload } = request;
  const estimator = new Estimator(model, machine, workload, efficiency);
  const cost = createStepCost();
  let fastest: Point | undefined;
  for (const parallelism of spaceOf(request).layouts()) {
    estimator.evaluate(parallelism, cost);
    const hostBytes = machine.hostMemoryBytesPerGpu ?? Infinity;
    if (cost.memoryBytes > machine.gpu.memoryBytes || cost.hostMemoryBytes > hostBytes) continue;
    const point = { seconds: cost.iterationSeconds, bytes: cost.memoryBytes, parallelism };
    if (fastest === undefined || comparePoints(point, fastest) < 0) fastest = point;
  }
  return definite(fastest, 'a layout fits');
}

interface Searched extends Case {
  /** The first search for this in the process. */
  coldSeconds: number;
  warmSeconds: number;
  bruteForceSeconds: number;
  result: SearchResult;
}

function measureSearch(searched: Case): Searched {
  const request = requestOf(searched);
  const [result, coldSeconds] = timeSeconds(() => search(request));
  const warm = Array.from({ length: rounds }, () => timeSeconds(() => search(request))[1]);
  const [fastest, bruteForceSeconds] = timeSeconds(() => bruteForce(request));
  const best = result.best[0];
  if (best === undefined || compareLayouts(best.parallelism, fastest.parallelism) !== 0) {
    console.error(`${searched.model}: the search and brute force disagree`);
    process.exit(1);
  }
  return { ...searched, coldSeconds, warmSeconds: median(warm), bruteForceSeconds, result };
}

interface Batch {
  request: SearchRequest;
  layouts: readonly Parallelism[];
}

/** Whole spaces of ever other machine sizes and global batches, until there are enough: no configuration is there twice. */
function distinctConfigurations(sized: Case): Batch[] {
  const batches: Batch[] = [];
  let count = 0;
  for (let { globalBatch } = sized; count < CONFIGURATIONS_LEAST; globalBatch += 768) {
    for (let nodes = 8; nodes <= 760 && count < CONFIGURATIONS_LEAST; nodes += 4) {
      const request = requestOf({ ...sized, gpus: 8 * nodes, globalBatch });
      const layouts = [...spaceOf(request).layouts()];
      if (layouts.length === 0) continue;
      batches.push({ request, layouts });
      count += layouts.length;
    }
  }
  return batches;
}

interface Evaluated {
  configurations: number;
  /** Machine sizes and batches, each with an estimator of its own that begins with nothing computed. */
  estimators: number;
  perCpuSecond: number;
  perSecond: number;
}

/** Time and memory with all their parts of every configuration, on one core; making the estimators is part of it. */
function measureEvaluator(sized: Case): Evaluated {
  const batches = distinctConfigurations(sized);
  const configurations = batches.reduce((total, { layouts }) => total + layouts.length, 0);
  const cost = createStepCost();
  const perSecond: number[] = [];
  const perCpuSecond: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const cpuBefore = process.cpuUsage();
    let parts = 0;
    const [, seconds] = timeSeconds(() => {
      for (const { request, layouts } of batches) {
        const estimator = new Estimator(request.model, request.machine, request.workload, efficiency);
        for (const layout of layouts) {
          estimator.evaluate(layout, cost);
          parts += cost.seconds.bubble + cost.memory.activations;
        }
      }
    });
    const cpu = process.cpuUsage(cpuBefore);
    if (!Number.isFinite(parts)) throw new Error('a cost is not a number');
    perSecond.push(configurations / seconds);
    perCpuSecond.push(configurations / ((cpu.user + cpu.system) / 1e6));
  }
  const estimators = batches.length;
  return { configurations, estimators, perSecond: median(perSecond), perCpuSecond: median(perCpuSecond) };
}

const searches = CASES.map(measureSearch);
const evaluator = measureEvaluator(definite(CASES[0], 'there are cases'));
const ratio = {
  low: evaluator.perSecond / CALCULON_PER_SECOND.high,
  high: evaluator.perSecond / CALCULON_PER_SECOND.low,
};

if (options.json) {
  const rows = searches.map(({ result: { best, front, ...counts }, ...rest }) => {
    return { ...rest, ...counts, front: front.length, best: best[0] };
  });
  console.log(JSON.stringify({ searches: rows, evaluator, calculonPerSecond: CALCULON_PER_SECOND, ratio }));
} else {
  const n = (value: number) => value.toLocaleString('en', { maximumFractionDigits: 0 });
  const ms = (seconds: number) => `${n(1000 * seconds)} ms`;
  console.log(`${cpus()[0]?.model ?? 'unknown CPU'}, one core, Node ${process.versions.node}; medians of ${rounds}`);
  for (const { result, ...measured } of searches) {
    const { spaceSize, pruned, evaluated, front } = result;
    console.log(
      `${measured.model}, ${n(measured.gpus)} GPUs of ${measured.cluster}, global batch ${n(measured.globalBatch)}, sequences of ${n(measured.sequenceLength)}`,
    );
    console.log(`  space        ${n(spaceSize)} layouts`);
    console.log(`  pruned       ${n(pruned.state)} by state, ${n(pruned.memory)} by memory, ${n(pruned.time)} by time`);
    console.log(`  evaluated    ${n(evaluated)}; ${front.length} on the Pareto front`);
    console.log(`  search       ${ms(measured.coldSeconds)} the first time, ${ms(measured.warmSeconds)} again`);
    console.log(`  brute force  ${ms(measured.bruteForceSeconds)}, the same optimum`);
    console.log(`  best         ${described(definite(result.best[0], 'measureSearch saw one'))}`);
  }
  console.log(
    `bare evaluator, ${n(evaluator.configurations)} distinct configurations in ${n(evaluator.estimators)} spaces`,
  );
  console.log(`  rate         ${n(evaluator.perSecond)} a second, ${n(evaluator.perCpuSecond)} a CPU second`);
  console.log(
    `  Calculon     ${CALCULON_PER_SECOND.low} to ${CALCULON_PER_SECOND.high} a second, not measured here: ${n(ratio.low)} to ${n(ratio.high)} times as fast`,
  );
}

function described({ parallelism, cost }: Candidate): string {
  const { tp, pp, dp, cp, ep, microBatch, interleave, recompute, sequenceParallel, zero, offload } = parallelism;
  const flags = `${sequenceParallel ? ', sequence parallel' : ''}, ZeRO ${zero}${offload ? ', offload' : ''}`;
  const grid = `tp ${tp} x pp ${pp} x dp ${dp} x cp ${cp}, ep ${ep}`;
  const price = `${cost.iterationSeconds.toFixed(2)} s, ${(cost.memoryBytes / 2 ** 30).toFixed(1)} GiB`;
  return `${grid}, microbatch ${microBatch}, interleave ${interleave}, recompute ${recompute}${flags}: ${price}`;
}
