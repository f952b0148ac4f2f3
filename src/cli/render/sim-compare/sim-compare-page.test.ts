import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ScenarioFields } from '../../../formats/scenario-file.ts';
import { ProgressBoard } from '../../sim/run-progress.ts';
import { comparisonOf, type ScenarioComparison } from '../../sim/scenario-comparison.ts';
import { comparisonPage } from '../../sim/sim-page.ts';
import { isDrawn } from '../../sim/scenario-draws.ts';
import { type SimulationResult, simulate } from '../../sim/simulate.ts';
import { contrast, elementsOf, loadedBy, marksOf, sectionOf, slipsOf, textOf } from '../page.test-support.ts';
import { THEMES } from '../page-style.ts';
import { renderSimComparison } from '../sim-comparison.ts';
import { letterOf } from './scenarios.ts';
import { SCENARIO_INKS } from './style.ts';
import { sayMeasure } from '../sim-sentences.ts';
import { percent, shortTime } from '../sim-words.ts';

const SECTIONS = ['news', 'question', 'use', 'waits', 'ettr', 'failures', 'losses', 'states', 'measures', 'data'];
const CHARTS = [
  'forest-main',
  'time-wide-only',
  'time-narrow',
  'compared-device-time',
  'forest-use',
  'compared-waits',
  'forest-waits',
  'compared-ettr',
  'forest-ettr',
  'compared-mttf',
  'forest-failures',
  'compared-losses',
  'forest-losses',
  'compared-states',
  'forest-states',
];
const HOSTILE = `</script><script>alert("1")</script>&'`;
const COMMAND = `orrery sim compare base.yaml '${HOSTILE}' --seeds 3`;
const BASE: ScenarioFields = {
  title: 'as it is',
  cluster: 'rsc-phase1',
  workload: 'rsc-phase1',
  days: 2,
  set: { nodes: '500', failuresPerThousandNodeDays: '25' },
};
const MORE: ScenarioFields = { ...BASE, title: 'more nodes', set: { ...BASE.set, nodes: '640' } };
const FEWER: ScenarioFields = { ...BASE, title: HOSTILE, lemons: true, set: { ...BASE.set, nodes: '400' } };

const runs = new Map<string, Promise<SimulationResult>>();

/** Each scenario once with each seed, however often it is compared. */
function ran(fields: ScenarioFields): Promise<SimulationResult> {
  const key = JSON.stringify(fields);
  const run = runs.get(key) ?? simulate({ fields, jobsOut: null }, new ProgressBoard());
  runs.set(key, run);
  return run;
}

async function compared(scenarios: readonly ScenarioFields[], seeds: readonly number[]): Promise<ScenarioComparison> {
  const ofScenarios = await Promise.all(
    scenarios.map(async (fields) => ({
      title: fields.title ?? '',
      results: await Promise.all(seeds.map((seed) => ran({ ...fields, seed }))),
    })),
  );
  return {
    ...comparisonOf(ofScenarios, scenarios.some(isDrawn)),
    seeds: [...seeds],
    seedsAsked: seeds.length,
    isInterrupted: false,
  };
}

interface Case {
  comparison: ScenarioComparison;
  page: string;
}

const drawn = (comparison: ScenarioComparison): Case => ({ comparison, page: comparisonPage(comparison, COMMAND) });

let folder: string;
let one: Case;
let several: Case;
let once: Case;
/** A trace without failures: nothing is drawn. */
let calm: Case;
/** Its end comes before most of its jobs have started. */
let crowded: Case;
let nothing: Case;
let interrupted: Case;
let all: Case[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-compare-page-'));
  const trace = join(folder, 'jobs.csv');
  const rows = Array.from({ length: 20 }, (_, index) => `j${index},${index},1,0,3600,7200`);
  writeFileSync(trace, `job,submit_s,nodes,gpus_per_node,runtime_s,limit_s\n${rows.join('\n')}\n`);
  one = drawn(await compared([BASE, MORE], [1, 2, 3]));
  several = drawn(await compared([BASE, MORE, FEWER], [1, 2]));
  once = drawn(await compared([BASE, MORE], [1]));
  const few: ScenarioFields = { title: 'few', trace, set: { nodes: '2', gpusPerNode: '0' } };
  calm = drawn(await compared([few, { ...few, title: 'many', set: { nodes: '8', gpusPerNode: '0' } }], [1]));
  const empty: ScenarioFields = { ...BASE, days: 1e-5 };
  const long = rows.map((row) => row.replace('3600,7200', '86400,90000'));
  writeFileSync(
    join(folder, 'long.csv'),
    `job,submit_s,nodes,gpus_per_node,runtime_s,limit_s\n${long.join('\n')}\nbig,30,2,0,10,20\n`,
  );
  const slow: ScenarioFields = {
    title: 'slow',
    trace: join(folder, 'long.csv'),
    days: 1.5,
    set: { nodes: '2', gpusPerNode: '0', cpusPerNode: '1' },
  };
  crowded = drawn(await compared([slow, { ...slow, title: 'more', set: { ...slow.set, nodes: '8' } }], [1]));
  nothing = drawn(await compared([empty, { ...empty, title: 'more', set: { nodes: '900' } }], [1, 2]));
  interrupted = drawn({ ...one.comparison, seedsAsked: 40, isInterrupted: true });
  all = [one, several, once, calm, crowded, nothing, interrupted];
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const chartsOf = (page: string) =>
  [...page.matchAll(/<svg [^>]*role="img" aria-labelledby="(\S+)-title /g)].map(([, id]) => id);

describe('renderComparisonPage', () => {
  it('is well-formed and loads nothing', () => {
    for (const { page } of all) {
      expect(elementsOf(page).length).toBeGreaterThan(100);
      expect(loadedBy(page)).toEqual([]);
      expect(slipsOf(page)).toEqual([]);
      const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
      expect(new Set(ids).size).toBe(ids.length);
    }
  });

  it('has every section, with a plot or a sentence, and a link to it', () => {
    for (const { page } of all) {
      expect([...page.matchAll(/<section id="([^"]+)"/g)].map(([, id]) => id)).toEqual(SECTIONS);
      expect([...page.matchAll(/<li><a href="#([^"]+)"/g)].map(([, id]) => id)).toEqual(SECTIONS);
      for (const id of SECTIONS) expect(sectionOf(page, id)).toMatch(/<svg|<p>[^<]{10,}|<table|<pre>/);
    }
  });

  it('draws where there is something to draw, each with its meaning in words', () => {
    for (const { page } of [one, several, once, interrupted]) expect(chartsOf(page)).toEqual(CHARTS);
    expect(chartsOf(calm.page)).not.toContain('compared-mttf');
    expect(chartsOf(calm.page)).toContain('compared-waits');
    expect(chartsOf(nothing.page)).not.toContain('compared-waits');
    for (const { page } of all) {
      const described = [...page.matchAll(/<desc id="(\S+)-description">[^<]{15,}<\/desc>/g)].map(([, id]) => id);
      expect(described).toEqual(chartsOf(page));
    }
  });

  it('keeps every mark of a chart inside it', () => {
    const marks = all.map(({ page }) => marksOf(page));
    expect(marks.flatMap(({ outside }) => outside)).toEqual([]);
    expect(marks.reduce((sum, { count }) => sum + count, 0)).toBeGreaterThan(2000);
  });

  it('puts the question and the news first', () => {
    const text = textOf(one.page);
    expect(text).toContain('What would adding 140 nodes change?');
    expect(text).toContain('A as it is: the base B more nodes: adding 140 nodes');
    expect(text).toContain('the same 3 seeds, 1 to 3');
    const sentences = calm.comparison.variants.flatMap((variant) => variant.sentences);
    expect(sentences.length).toBeGreaterThan(0);
    for (const sentence of sentences) expect(textOf(sectionOf(calm.page, 'news'))).toContain(sentence);
    expect(textOf(sectionOf(one.page, 'question'))).toContain('nodes 500 640');
    expect(textOf(several.page)).toContain('What would 2 variants of as it is change?');
  });

  it('says of each measure what the comparison says', () => {
    const measures = several.comparison.variants.flatMap((variant) => variant.measures);
    expect(measures.length).toBeGreaterThan(100);
    const table = textOf(sectionOf(several.page, 'measures'));
    for (const { subject, base, variant, unit } of measures) {
      const words = `${subject.replace(/^the /, '')} ${sayMeasure(base, unit)} ${sayMeasure(variant, unit)}`;
      expect(table).toContain(words);
    }
    const clear = measures.filter(({ isClear }) => isClear).length;
    expect([...table.matchAll(/ yes /g)]).toHaveLength(clear);
  });

  it('lays the scenarios beside each other, each with its spread over the seeds', () => {
    const { page, comparison } = several;
    const scenarios = [comparison.base, ...comparison.variants];
    for (const [index, { summary }] of scenarios.entries()) {
      for (const { size, medianSeconds, p90Seconds } of summary.waits) {
        const words = `${size.label} GPUs, ${letterOf(index)}: ${
          medianSeconds === null ? 'none started' : `median ${shortTime(medianSeconds.mean)}`
        }`;
        expect(textOf(sectionOf(page, 'waits'))).toContain(words);
        const { low, mean, high } = p90Seconds ?? { low: 0, mean: 0, high: 0 };
        expect(low <= mean && mean <= high).toBe(true);
      }
      const productive = summary.deviceTime.find(({ kind }) => kind === 'productive')?.share.mean ?? 0;
      expect(textOf(sectionOf(page, 'use'))).toContain(percent(productive));
    }
    expect(sectionOf(page, 'use')).toContain('class="band');
    expect(sectionOf(page, 'waits')).toContain('lowest to highest seed');
  });

  it('shows beside the waits which share of the jobs never started, and of a size of which none did nothing else', () => {
    const section = sectionOf(crowded.page, 'waits');
    expect(section).toContain('>not started</text>');
    const [base, variant] = [crowded.comparison.base, ...crowded.comparison.variants];
    const small = (row?: ScenarioComparison['base']) => row?.summary.waits.find(({ size }) => size.from === 1);
    // Of 20 jobs of a day two at a time have started within a day and a half, then eight at a time.
    expect([small(base)?.notStarted.mean, small(variant)?.notStarted.mean]).toEqual([0.8, 0.2]);
    expect(section.match(/class="left-over"/g)).toHaveLength(4);
    expect(textOf(section)).toContain('80.0 % had not started at the end');
    expect(textOf(section)).toContain('of all jobs: 81.0 % with A, 23.8 % with B');
    expect(base?.summary.waits.find(({ size }) => size.from > 1)).toMatchObject({ p90Seconds: null });
    expect(textOf(section)).toContain('none started');
    expect(sectionOf(one.page, 'waits').includes('not started')).toBe(
      one.comparison.base.summary.waits.some(({ notStarted }) => notStarted.high > 0) ||
        one.comparison.variants.some(({ summary }) => summary.waits.some(({ notStarted }) => notStarted.high > 0)),
    );
  });

  it('leaves room for what is said of a change beside its arrows', () => {
    for (const { page } of all) {
      for (const [, svg = ''] of page.matchAll(/(<svg [^>]*aria-labelledby="forest-.*?<\/svg>)/gs)) {
        const width = Number(/viewBox="0 0 (\d+) /.exec(svg)?.[1]);
        const tips = [...svg.matchAll(/<polygon [^>]*points="([\d.]+),([\d.]+)/g)].map(([, x, y]) =>
          [x, y].map(Number),
        );
        const said = [...svg.matchAll(/<text x="([\d.]+)" y="([\d.]+)" text-anchor="end">([^<]*)</g)];
        for (const [, x, y = '', text = ''] of said) {
          // Others are left of the plot.
          if (Number(x) !== width - 4) continue;
          const beside = tips.filter(([, at = 0]) => Math.abs(at - Number(y)) < 8).map(([tip = 0]) => tip);
          expect(Math.max(0, ...beside)).toBeLessThanOrEqual(width - 4 - 6.2 * text.length);
        }
      }
    }
  });

  it('claims nothing from one seed, and where nothing is drawn only what is so', () => {
    const text = textOf(once.page);
    expect(text).toContain('One seed says nothing of chance: there are no intervals');
    expect(text).not.toContain('by more than chance');
    expect(text).not.toContain('lowest to highest seed');
    // Failures of one run are drawn with the interval of their number.
    const hasSpread = (page: string) =>
      /class="(?:band|spread|whisker)/.test(page.replace(sectionOf(page, 'failures'), ''));
    expect([one, once, calm].map(({ page }) => hasSpread(page))).toEqual([true, false, false]);
    expect(textOf(calm.page)).toContain('run once, since nothing in it is drawn: chance plays no part');
    expect(textOf(calm.page)).not.toContain('than chance');
    expect(textOf(calm.page)).not.toMatch(/\bGPU/);
    const terminal = {
      width: null,
      height: null,
      hasUnicode: true,
      isLive: false,
      paint: (_: unknown, words: string) => words,
    };
    expect(renderSimComparison(once.comparison, terminal)).toContain('one seed: no intervals');
    expect(renderSimComparison(calm.comparison, terminal)).toMatch(/base: few; one run each, .* exact\b/);
  });

  it('says that it was interrupted', () => {
    expect(textOf(interrupted.page)).toContain('Interrupted. Of 40 seeds 3 had been run with all scenarios');
    expect(textOf(one.page)).not.toContain('Interrupted.');
  });

  it('escapes what the user named', () => {
    expect(several.page.includes('<script>alert')).toBe(false);
    expect(textOf(several.page)).toContain(`C ${HOSTILE}`);
    expect(textOf(several.page)).toContain(COMMAND);
  });

  it('embeds the document of --json, whole', () => {
    for (const { page, comparison } of all) {
      const [, text = ''] = /<script type="application\/json" id="run">(.*?)<\/script>/s.exec(page) ?? [];
      expect(JSON.stringify(JSON.parse(text))).toBe(JSON.stringify(comparison));
    }
  });

  it('stays of bounded size and legible with many variants', () => {
    const [variant] = one.comparison.variants;
    if (variant === undefined) throw new Error('expected a variant');
    const variants = Array.from({ length: 30 }, (_, index) => ({ ...variant, title: `variant ${index}` }));
    const { page } = drawn({ ...one.comparison, variants });
    expect(marksOf(page).outside).toEqual([]);
    expect(textOf(page)).toContain('Plots show scenarios A to F; sentences and tables are of all.');
    expect(textOf(sectionOf(page, 'news'))).toContain('AE variant 29');
    expect(page.length).toBeLessThan(3_500_000);
    expect(one.page.length).toBeLessThan(500_000);
  });
});

describe('letterOf', () => {
  it('goes on after Z', () => {
    expect([0, 1, 25, 26, 27, 52].map(letterOf)).toEqual(['A', 'B', 'Z', 'AA', 'AB', 'BA']);
  });
});

describe('colours of scenarios', () => {
  it('give letters a contrast of 4.5 on the ground, and the ground on them', () => {
    const pairs = (['light', 'dark'] as const).flatMap((theme) =>
      SCENARIO_INKS[theme].map((ink) => [ink, THEMES[theme].ground] as const),
    );
    expect(pairs.filter(([ink, ground]) => contrast(ink, ground) < 4.5)).toEqual([]);
    expect(pairs).toHaveLength(12);
  });
});
