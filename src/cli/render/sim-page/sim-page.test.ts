import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Script } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ScenarioFields } from '../../../formats/scenario-file.ts';
import { Random } from '../../../lib/random.ts';
import { createMeasures } from '../../../twin/measures/measures.ts';
import type { TwinJob } from '../../../twin/types.ts';
import { ProgressBoard } from '../../sim/run-progress.ts';
import { pageScripts, simPage } from '../../sim/sim-page.ts';
import { type SimulationResult, simulate } from '../../sim/simulate.ts';
import { THEMES } from '../page-style.ts';
import { contrast, elementsOf, loadedBy, markupOf, marksOf, sectionOf, slipsOf, textOf } from '../page.test-support.ts';
import { IDLE_FILLS, LAYER_INKS, STATE_INKS } from './style.ts';
import { digits, percent, shortTime, whole } from '../sim-words.ts';

const SECTIONS = [
  'occupancy',
  'nodes',
  'waits',
  'ettr',
  'failures',
  'states',
  'losses',
  'preemption',
  'energy',
  'given',
  'data',
];
const HOSTILE = `</script><script>alert("1")</script>&'`;
const COMMAND = `orrery sim --scenario '${HOSTILE}'`;

interface Run {
  result: SimulationResult;
  page: string;
}

async function ran(fields: ScenarioFields, isInterrupted = false): Promise<Run> {
  const board = new ProgressBoard();
  if (isInterrupted) board.stop();
  const result = await simulate({ fields, jobsOut: null }, board);
  return { result, page: simPage(result, COMMAND) };
}

const BUSY: ScenarioFields = {
  title: HOSTILE,
  cluster: 'rsc-phase1',
  workload: 'rsc-phase1',
  days: 3,
  lemons: true,
  set: { failuresPerThousandNodeDays: '25' },
};

let folder: string;
let busy: Run;
/** A trace without failures. */
let calm: Run;
let cpus: Run;
let interrupted: Run;
let nothing: Run;
let all: Run[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-sim-page-'));
  const trace = join(folder, 'jobs.csv');
  const rows = ['a,0,1,8,600,1200', 'b,100,2,8,1200,3600', 'c,300,4,8,600,900', 'd,900,1,2,60,120'];
  writeFileSync(trace, `job,submit_s,nodes,gpus_per_node,runtime_s,limit_s\n${rows.join('\n')}\n`);
  const bare = join(folder, 'bare.csv');
  writeFileSync(bare, 'job,submit_s,nodes,gpus_per_node,runtime_s,limit_s\na,0,1,0,600,1200\nb,5,2,0,600,1200\n');
  busy = await ran(BUSY);
  calm = await ran({ trace, set: { nodes: '4' } });
  cpus = await ran({ trace: bare, set: { nodes: '4', gpusPerNode: '0' } });
  interrupted = await ran(BUSY, true);
  nothing = await ran({ cluster: 'rsc-phase1', workload: 'rsc-1', days: 1e-5 });
  all = [busy, calm, cpus, interrupted, nothing];
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('renderSimPage', () => {
  it('is well-formed and loads nothing', () => {
    for (const { page } of all) {
      const names = elementsOf(page);
      expect(names.length).toBeGreaterThan(100);
      expect(loadedBy(page)).toEqual([]);
      expect(slipsOf(page)).toEqual([]);
    }
  });

  it('has every section, with a plot or a sentence', () => {
    for (const { page } of all) {
      expect([...page.matchAll(/<section id="([^"]+)"/g)].map(([, id]) => id)).toEqual(SECTIONS);
      const links = [...page.matchAll(/<li><a href="#([^"]+)"/g)].map(([, id]) => id);
      expect(links).toEqual(SECTIONS);
      for (const id of SECTIONS) {
        const section = sectionOf(page, id);
        expect(section).toMatch(/<h2 [^>]+>[^<]+/);
        expect(section).toMatch(/<svg|<canvas|<p>[^<]{10,}|<dl|<pre>/);
      }
      const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
      expect(new Set(ids).size).toBe(ids.length);
    }
  });

  it('has short labels for many GPUs, and no figure for the load of jobs that come all at once', async () => {
    const trace = join(folder, 'large.csv');
    writeFileSync(trace, 'job,submit_s,nodes,gpus_per_node,runtime_s\na,0,20000,8,100000\nb,1,20000,8,100000\n');
    const { page } = await ran({ trace, set: { nodes: '20000' } });
    const labels = [...sectionOf(page, 'occupancy').matchAll(/text-anchor="end">([^<]+)</g)].map(([, label]) => label);
    expect(labels).toContain('150k');
    expect(labels.filter((label) => (label ?? '').length > 6)).toEqual([]);
    expect(textOf(page)).toContain('2 jobs, a load of more than 1,000 % of 20,000 nodes');
  });

  it('says of which jobs the waits are where others have not started', async () => {
    const trace = join(folder, 'too-many.csv');
    const rows = ['a,0,4,8,86400', 'b,1,4,8,86400', 'c,2,1,8,86400'];
    writeFileSync(trace, `job,submit_s,nodes,gpus_per_node,runtime_s\n${rows.join('\n')}\n`);
    const { page } = await ran({ trace, days: 0.5, set: { nodes: '4' } });
    const text = textOf(page).replaceAll('\u00a0', ' ');
    expect(text).toContain('2 jobs, 66.7 % of all, had not started when the run ended, after 12 h in the queue');
    expect(text).toContain('Half of those that did started at once');
    expect(text).toContain('Mean of the jobs that started; 66.7 % had not when the run ended.');
    expect(text).toContain('2 waited (Priority 1, Resources 1) at the end');
    expect(text).toContain('Waits: nine of ten jobs that started did so at once');
    expect(sectionOf(page, 'waits')).toMatch(/5-8<\/th><td>0<\/td>(<td>-<\/td>){5}<td>1<\/td>/);
    expect(textOf(calm.page)).not.toMatch(/not started/i);
  });

  it('draws where there is something to draw, each with its meaning in words', () => {
    const chartsOf = (page: string) =>
      [...page.matchAll(/<svg [^>]*role="img" aria-labelledby="(\S+)-title /g)].map(([, id]) => id);
    expect(chartsOf(busy.page)).toEqual([
      'occupancy-wide-only',
      'occupancy-narrow',
      'waits-chart',
      'ettr-chart',
      'mttf-chart',
      'states-chart',
      'losses-chart',
    ]);
    expect(chartsOf(calm.page)).toEqual(['occupancy-wide-only', 'occupancy-narrow', 'waits-chart', 'states-chart']);
    expect(chartsOf(nothing.page)).toEqual([]);
    for (const { page } of all) {
      for (const id of chartsOf(page))
        expect(page).toMatch(new RegExp(`<desc id="${id}-description">[^<]{15,}</desc>`));
    }
    expect(calm.page).toContain('<canvas');
    expect(nothing.page).not.toContain('<canvas');
    const said = textOf(nothing.page);
    expect(said).toContain('no job started');
    expect(said).toContain('No attempt ended in this run.');
    expect(textOf(calm.page)).toContain('Nothing was to fail in this run');
    expect(textOf(interrupted.page)).toMatch(/Interrupted\. The run was stopped after .* of 3 days/);
    expect(busy.page).not.toContain('Interrupted.');
  });

  it('has room for the longest size beside the chart of waits, on a narrow screen too', () => {
    const names = [...sectionOf(busy.page, 'waits').matchAll(/<text x="([\d.]+)"[^>]*text-anchor="end">([^<]+)</g)];
    expect(names.map(([, , name]) => name)).toContain('1024-2047');
    // Letters are about 8 wide where the drawing is made smaller and its letters are not.
    expect(names.filter(([, x, name = '']) => Number(x) < 8.5 * name.length)).toEqual([]);
  });

  it('keeps every mark of a chart inside it', () => {
    const drawn = all.map(({ page }) => marksOf(page));
    expect(drawn.flatMap(({ outside }) => outside)).toEqual([]);
    const marks = drawn.reduce((sum, { count }) => sum + count, 0);
    expect(marks).toBeGreaterThan(500);
  });

  it('escapes what the user named', () => {
    expect(busy.page).not.toContain('<script>alert');
    expect(textOf(busy.page)).toContain(`Simulation: ${HOSTILE}`);
    expect(textOf(busy.page)).toContain(COMMAND);
  });

  it('embeds the document of --json, whole', () => {
    for (const { page, result } of all) {
      const [, text = ''] = /<script type="application\/json" id="run">(.*?)<\/script>/s.exec(page) ?? [];
      expect(JSON.stringify(JSON.parse(text))).toBe(JSON.stringify(result));
    }
  });

  it('is the same, byte for byte, for the same scenario', async () => {
    expect((await ran(BUSY)).page).toBe(busy.page);
  });

  it('says what the report says', () => {
    const { predictions, inputs } = busy.result.report;
    const text = textOf(busy.page).replaceAll('\u00a0', ' ');
    expect(text).toContain(`${percent(predictions.utilization)} utilisation, ${percent(predictions.goodput)} goodput`);
    expect(text).toContain(`the mean wait was ${shortTime(predictions.waits.all.waitSeconds?.mean ?? 0)}`);
    expect(text).toContain(`Failures ended ${whole(predictions.failures.attemptsFailed)} attempts`);
    expect(predictions.failures.attemptsFailed).toBeGreaterThan(10);
    expect(text).toContain(
      `Lost ${digits(predictions.deviceTime.lost)} ${percent(predictions.deviceTime.lost / predictions.deviceTime.capacity)}`,
    );
    expect(text).toContain('the parts, each counted on its own, add up to it');
    const seen = predictions.failures.bySize.flatMap(({ size, mttfHours }) =>
      mttfHours === null ? [] : [`${size.label} GPUs: MTTF ${shortTime(mttfHours * 3600)}`],
    );
    expect(seen.filter((words) => !text.includes(words))).toEqual([]);
    expect(seen.length).toBeGreaterThan(3);
    for (const { size, waitSeconds } of predictions.waits.bySize) {
      expect(text).toContain(`${size.label} GPUs: median ${shortTime(waitSeconds?.median ?? 0)}`);
    }
    const ettrs = predictions.ettr.bySize.flatMap(({ formula }) => (formula === null ? [] : [formula.ettr.toFixed(3)]));
    expect(ettrs.filter((ettr) => !sectionOf(busy.page, 'ettr').includes(`<td>${ettr}</td></tr>`))).toEqual([]);
    expect(ettrs.length).toBeGreaterThan(3);
    expect(sectionOf(busy.page, 'given')).toContain(whole(inputs.jobs.submitted));
    expect(sectionOf(busy.page, 'given')).toContain('<td>' + whole(inputs.incidents.byComponent[0]?.count ?? 0));
    expect(text).toContain('Lemon nodes drained');
    expect(predictions.lemons?.nodesFlagged).toBeGreaterThan(0);
    expect(text).toContain('per 1,000 node-days with all lemon nodes in service, and N nodes');
    expect(textOf(cpus.page)).not.toMatch(/\bGPU/);
  });

  it('draws the formula at the rate that large jobs saw, too, where chance does not explain it', () => {
    const { result } = busy;
    const { failures, ettr } = result.report.predictions;
    expect(sectionOf(busy.page, 'ettr')).not.toContain('at the rate seen');
    const seen = { ...failures.rateOfLarge, perThousandNodeDays: 3.04, interval: { low: 2.7, high: 3.5 } };
    const predictions = { ...result.report.predictions, failures: { ...failures, rateOfLarge: seen } };
    const page = simPage({ ...result, report: { ...result.report, predictions } }, COMMAND);
    const text = textOf(sectionOf(page, 'ettr'));
    expect(text).toContain(
      'at the rate given, 25 failures per 1,000 node-days, and at the 3 that jobs of more than 128 GPUs saw, as the paper takes it: lemon nodes are drained here, so jobs fail less often.',
    );
    const at = ettr.bySize.flatMap(({ formula }) => (formula === null ? [] : [formula.ettrAtRateOfLarge?.toFixed(3)]));
    expect(at.filter((value) => !text.includes(`, at the rate seen ${value}`))).toEqual([]);
    expect(at.length).toBeGreaterThan(3);
  });

  it('tells what was given from what was predicted, and names the paper beside its figures', () => {
    for (const { page } of all) {
      for (const id of SECTIONS) {
        const kind = id === 'given' ? 'given' : id === 'data' ? undefined : 'predicted';
        expect(/<span class="tag (\w+)">/.exec(sectionOf(page, id))?.[1]).toBe(kind);
      }
    }
    for (const id of ['failures', 'states']) expect(sectionOf(busy.page, id)).toContain('2410.21680');
    for (const run of [calm, cpus, nothing]) expect(markupOf(run.page)).not.toMatch(/RSC|Kokolis.*arXiv/);
  });

  it('shows the run of a large cluster over months in a page of bounded size', () => {
    const { page, result } = largest();
    const { timeline, series } = result.report;
    expect(timeline.rows.length * timeline.columns).toBeGreaterThan(100_000);
    expect(timeline.rows.length * timeline.columns).toBeLessThanOrEqual(240_000);
    expect(series.startSeconds.length).toBeLessThanOrEqual(2000);
    expect(new Set(timeline.rows.flatMap(({ runs }) => runs.filter((_, at) => at % 2 === 1))).size).toBeGreaterThan(5);
    expect(page.length).toBeLessThan(1_500_000);
  });
});

/** 2,000 nodes for 330 days, cut into gangs of all sizes anew in each cell of the timeline, with a node down here and there. */
function largest(): Run {
  const [nodeCount, days, sliceMs] = [2000, 330, 43_200_000];
  const endMs = days * 86_400_000;
  const random = new Random(1);
  const nodes = Array.from({ length: nodeCount }, (_, index) => ({
    name: `dgx-${String(index + 1).padStart(4, '0')}`,
    resources: { cpus: 128, memoryBytes: 1e12, gpus: 8 },
    gpuType: null,
    leaf: null,
  }));
  const measures = createMeasures({ nodes, horizonMs: endMs, failuresPerNodeDay: 0.0065, powerPerNodeWatts: 6500 });
  const [observer] = measures.observers;
  let jobId = 0;
  for (let atMs = 0; atMs < endMs; atMs += sliceMs) {
    for (let first = 0; first < nodeCount; ) {
      const size = 2 ** Math.floor(random.nextUniform() * 9);
      const nodeIndices = Array.from({ length: Math.min(size, nodeCount - first) }, (_, index) => first + index);
      const end = atMs + sliceMs * random.nextUniform();
      first += size;
      jobId += 1;
      const job = jobOf(jobId, atMs);
      const allocation = { nodeIndices, gpusPerNode: 8 };
      const endOf = { job, attempt: 1, allocation, startMs: atMs, endMs: Math.round(end), state: 'COMPLETED' as const };
      const times = { queuedMs: 0, productiveMs: endOf.endMs - atMs, lostMs: 0, overheadMs: 0 };
      observer?.attemptStarted?.(job, 1, allocation, 0, atMs);
      observer?.attemptEnded?.({ ...endOf, ...times, incident: null, preemptorJobId: null });
      observer?.nodeChanged?.(nodeIndices[0] ?? 0, 'down', '', endOf.endMs);
      observer?.nodeChanged?.(nodeIndices[0] ?? 0, 'up', '', atMs + sliceMs);
    }
  }
  const summary = { ...busy.result.summary, endMs };
  const result = { ...busy.result, summary, report: measures.report(summary) };
  return { result, page: simPage(result, COMMAND) };
}

function jobOf(jobId: number, submitMs: number): TwinJob {
  return {
    request: {
      jobId,
      submitMs,
      priority: 0,
      nodes: 1,
      perNode: { cpus: 1, memoryBytes: 1, gpus: 8 },
      gpuType: null,
      exclusive: false,
      timeLimitMs: null,
      excludedNodes: [],
      maxRequeues: 0,
      dependencies: [],
      isHeld: false,
    },
    workMs: 1000,
    outcome: 'COMPLETED',
    cancelAfterMs: null,
    checkpointing: null,
  };
}

it('embeds scripts that are whole and cannot end their element', () => {
  for (const script of Object.values(pageScripts())) {
    expect(script.length).toBeGreaterThan(100);
    expect(script).not.toContain('</');
    expect(script).not.toMatch(/^(?:import|export)/m);
    // Throws where it is no script: a name that two files share, for one.
    expect(new Script(script)).toBeInstanceOf(Script);
  }
});

describe('colours', () => {
  it('give every text a contrast of 4.5', () => {
    const pairs = Object.entries(THEMES).flatMap(([theme, { text, ground, panel, chosen, other }]) => {
      const idle = theme === 'light' ? IDLE_FILLS.light : IDLE_FILLS.dark;
      const resolved = (colour: string) => (colour === 'var(--idle)' ? idle : colour === 'var(--text)' ? text : colour);
      const inks = [...Object.values(LAYER_INKS), ...Object.values(STATE_INKS)];
      const onInk = inks.map((ink) => [resolved(ink.fill), resolved(ink.text)] as const);
      const tags = [chosen, other].map((colour) => [colour, ground] as const);
      return [...onInk, ...tags, [text, panel] as const];
    });
    expect(pairs.filter(([a, b]) => contrast(a, b) < 4.5)).toEqual([]);
    expect(pairs.length).toBe(36);
  });
});
