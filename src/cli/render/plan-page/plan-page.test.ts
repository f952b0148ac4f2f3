import { beforeAll, describe, expect, it } from 'vitest';
import { makePlan, type PlanReport } from '../../plan/plan.ts';
import { type PlanRequest, resolveRequest } from '../../plan/request.ts';
import { type ScalingReport, scalingOf } from '../../plan/scaling.ts';
import { renderPlanPage } from './plan-page.ts';
import { THEMES } from '../page-style.ts';
import { contrast, elementsOf, textOf } from '../page.test-support.ts';
import { MEMORY_INKS, STEP_INKS } from './inks.ts';
import { duration, durationRange, gib, MEMORY_TERMS, STEP_TERMS } from './words.ts';
import { percent, secondsText, whole } from '../plan-report.ts';

interface Planned {
  request: PlanRequest;
  report: PlanReport;
  scaling: ScalingReport;
  page: string;
}

const HOSTILE = `<script>alert("1")</script>&'`;

async function planned(
  model: string,
  gpus: number,
  { name, globalBatch }: { name?: string; globalBatch?: number } = {},
): Promise<Planned> {
  const options = {
    cluster: 'rsc-phase1',
    model,
    tokens: 300e9,
    gpus,
    stack: 'megatron-2022',
    ...(globalBatch === undefined ? {} : { globalBatch }),
  };
  const request = await resolveRequest(options);
  if (name !== undefined) request.model = { ...request.model, name };
  const report = await makePlan(request);
  const scaling = scalingOf(request);
  return {
    request,
    report,
    scaling,
    page: renderPlanPage(report, request, scaling, `orrery plan --model ${name ?? model}`),
  };
}

let large: Planned;
let hostile: Planned;
let unfit: Planned;

beforeAll(async () => {
  large = await planned('gpt3-175b', 1024);
  hostile = await planned('gpt3-1.3b', 64, { name: HOSTILE });
  unfit = await planned('gpt3-175b', 8);
});

describe('renderPlanPage', () => {
  it('is well-formed, runs no script and loads nothing', () => {
    for (const { page } of [large, hostile, unfit]) {
      const names = elementsOf(page);
      expect(names.length).toBeGreaterThan(300);
      for (const name of ['script', 'link', 'img', 'iframe', 'image', 'use', 'object', 'a']) {
        expect(names).not.toContain(name);
      }
      expect(/\b(?:src|href|srcset|on[a-z]+)=|url\(|@import|https?:/.exec(page)?.[0]).toBeUndefined();
      expect(/NaN|Infinity|undefined|\bnull\b|\[object/.exec(page)?.[0]).toBeUndefined();
    }
  });

  it('escapes what the user named', () => {
    expect(hostile.page).not.toContain('<script');
    expect(hostile.page).toContain('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39; on 64 GPUs');
    expect(textOf(hostile.page)).toContain(`orrery plan --model ${HOSTILE}`);
  });

  it('draws four charts, each with its meaning in words', () => {
    for (const { page } of [large, hostile, unfit]) {
      const charts = [...page.matchAll(/<svg [^>]*role="img" aria-labelledby="(\S+) (\S+)"><title id="(\S+)">[^<]+/g)];
      expect(charts.map(([, title]) => title)).toEqual(['scaling-title', 'step-title', 'memory-title', 'front-title']);
      for (const [, title, description, titleId] of charts) {
        expect(titleId).toBe(title);
        expect(page).toMatch(new RegExp(`<desc id="${description}">[^<]{20,}</desc>`));
      }
      const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
      expect(new Set(ids).size).toBe(ids.length);
    }
  });

  it('keeps every mark of a chart inside it', () => {
    for (const { page } of [large, hostile, unfit]) {
      for (const [, tall, chart] of page.matchAll(/<svg viewBox="0 0 520 (\d+)"(.*?)<\/svg>/gs)) {
        const at = (names: string) =>
          [...(chart ?? '').matchAll(new RegExp(` (?:${names})="(-?[\\d.]+)"`, 'g'))].map(([, value]) => Number(value));
        for (const x of at('x|x1|x2|cx')) expect(x >= 0 && x <= 520).toBe(true);
        for (const y of at('y|y1|y2|cy')) expect(y >= 0 && y <= Number(tall)).toBe(true);
        expect(at('x|x1|x2|cx').length).toBeGreaterThan(5);
      }
    }
  });

  it('says what the report says', () => {
    for (const { page, report } of [large, hostile]) {
      const text = textOf(page);
      const { best, alternatives, model, gpus } = report;
      expect(text).toContain(
        `${model.name} on ${whole(gpus)} GPUs: 300 billion tokens in ${duration(best.expectedDays)}`,
      );
      expect(text).toContain(durationRange(best.expectedDaysInterval));
      expect(text).toContain(`One step ${secondsText(best.iterationSeconds)}`);
      expect(text).toContain(`(MFU) ${percent(best.mfu)}`);
      expect(text).toContain(`(ETTR) ${percent(best.ettr)}`);
      expect(text).toContain(`${gib(best.memoryBytesPerGpu)} of ${gib(report.memoryBytesPerGpuMax)}`);
      const seconds = Object.entries(best.breakdown).filter(([, value]) => value >= 0.001 * best.iterationSeconds);
      const names = new Map(Object.entries(STEP_TERMS).map(([part, { name }]) => [part, name]));
      const rows = seconds.map(
        ([part, value]) => `${names.get(part)} ${secondsText(value)} ${percent(value / best.iterationSeconds)}`,
      );
      expect(rows.filter((row) => !text.includes(row))).toEqual([]);
      expect(page.match(/<span class="swatch"/g)?.length).toBeGreaterThan(rows.length);
      expect(text).toContain(`${MEMORY_TERMS.activations.name} ${gib(best.memoryBreakdown.activations)}`);
      for (const { why, mfu } of alternatives) {
        expect(text).toContain(why);
        expect(text).toContain(percent(mfu));
      }
      for (const what of best.notValidated) expect(text).toContain(what);
    }
  });

  it('shows every stage of the pipeline under the limit', () => {
    const { page, report } = large;
    const { pp } = report.best.parallelism;
    expect(pp).toBeGreaterThan(1);
    expect(page).toContain(`Stage ${report.best.fullestStage} ${gib(report.best.memoryBytesPerGpu)}`);
    expect(page.match(/Stage \d+ [\d.]+ GiB/g)).toHaveLength(pp);
  });

  it('has the point of 16,000 GPUs, marked hypothetical on a smaller cluster', () => {
    for (const { page, scaling } of [large, hostile]) {
      for (const points of [scaling.strong, scaling.weak]) {
        const point = points.find(({ targetGpus }) => targetGpus === 16_000);
        expect(point?.marks).toEqual(['hypothetical']);
        expect(page).toContain(`>16,000: ${duration(point?.expectedDays ?? 0)}</text>`);
      }
      expect(textOf(page)).toMatch(/16,000 hypothetical/);
      expect(textOf(page)).toContain('On 16,000 GPUs (hypothetical: this cluster is smaller)');
    }
  });

  it('agrees with the plan where the curve passes it', () => {
    const { report, scaling } = large;
    for (const points of [scaling.strong, scaling.weak]) {
      const own = points.find(({ marks }) => marks.includes('this plan'));
      expect(own?.expectedDays).toBe(report.best.expectedDays);
      expect(own?.parallelism).toEqual(report.best.parallelism);
    }
    expect(scaling.strong.some(({ marks }) => marks.includes('whole cluster'))).toBe(true);
  });

  it('says where fewer GPUs would be faster, and circles the plan itself', async () => {
    const { page, report, scaling } = await planned('gpt3-175b', 6080, { globalBatch: 2048 });
    const point = scaling.strong.find(({ targetGpus }) => targetGpus === 6080);
    expect(point?.marks).toEqual(['size of this plan', 'whole cluster']);
    expect(point?.gpus).toBeLessThan(6080);
    expect(textOf(page)).toContain(
      `${whole(point?.gpus ?? 0)} of them take ${duration(point?.expectedDays ?? 0)} instead of ${duration(report.best.expectedDays)}`,
    );
    const [, plan] = /<circle class="ring" cx="[\d.]+" cy="([\d.]+)"/.exec(page) ?? [];
    const dots = [...page.matchAll(/<circle class="chosen dot" cx="[\d.]+" cy="([\d.]+)"/g)].map(([, y]) => Number(y));
    expect(dots.length).toBeGreaterThan(8);
    expect(dots).not.toContain(Number(plan));
  });

  it('says what does not fit, and what would', () => {
    const text = textOf(unfit.page);
    expect(unfit.report.fits).toBe(false);
    expect(text).toContain('gpt3-175b does not fit into the memory of 8 GPUs');
    expect(text).toContain(`${unfit.report.gpusToFit} GPUs, all else as asked for`);
  });
});

describe('colours', () => {
  const tooFaint = (pairs: readonly (readonly [string, string])[], least: number) =>
    pairs.filter(([a, b]) => contrast(a, b) < least);

  it('give every text a contrast of 4.5', () => {
    const inks = [...Object.values(STEP_INKS), ...Object.values(MEMORY_INKS)];
    const onInk = inks.map(({ fill, text }) => [fill, text] as const);
    const onGround = Object.values(THEMES).flatMap(({ ground, panel, text, lesser, limit }) =>
      [text, lesser, limit].flatMap((colour) => [[colour, ground] as const, [colour, panel] as const]),
    );
    expect(tooFaint([...onInk, ...onGround], 4.5)).toEqual([]);
    expect(onInk.length + onGround.length).toBe(31);
  });

  it('give every line of a chart a contrast of 3', () => {
    const lines = Object.values(THEMES).flatMap(({ ground, chosen, other, lesser }) =>
      [chosen, other, lesser].map((colour) => [colour, ground] as const),
    );
    expect(tooFaint(lines, 3)).toEqual([]);
    expect(contrast('#000000', '#ffffff')).toBeCloseTo(21, 5);
  });
});
