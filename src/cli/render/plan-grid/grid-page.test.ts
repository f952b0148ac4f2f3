import { beforeAll, describe, expect, it } from 'vitest';
import type { Grid } from '../../plan-grid/grid.ts';
import { readGrid } from '../../plan-grid/grid.ts';
import { type GridReport, gridReport } from '../../plan-grid/grid-report.ts';
import { planShare } from '../../plan-grid/plan-share.ts';
import { contrast, elementsOf, marksOf, sectionOf, slipsOf, textOf } from '../page.test-support.ts';
import { THEMES } from '../page-style.ts';
import { SCENARIO_INKS } from '../sim-compare/style.ts';
import { renderGridPage } from './grid-page.ts';

const HOSTILE = `<script>alert("1")</script>&'`;

async function reportOf(change: (grid: Grid) => void, clusters: string[], gpus: number[], prices: number[] = []) {
  const axes = {
    models: ['gpt3-1.3b', 'gpt3-175b'],
    clusters,
    tokens: [26e9],
    seqs: [],
    gpus,
    globalBatches: [],
    prices,
  };
  const grid = await readGrid(axes, 'megatron-2022', {}, null);
  change(grid);
  return gridReport(grid, await planShare(grid), false);
}

let large: GridReport;
let hostile: GridReport;
let unfit: GridReport;
const pageOf = (report: GridReport) => renderGridPage(report, 'orrery plan --gpus 8,64');

beforeAll(async () => {
  large = await reportOf(() => {}, ['selene', 'rsc-phase1', 'rsc-phase2'], [8, 64, 256, 1024, 4480, 6080], [1, 2, 2.5]);
  hostile = await reportOf(
    (grid) => {
      for (const named of [...grid.models, ...grid.clusters]) named.label = `${named.label}${HOSTILE}`;
    },
    ['selene'],
    [64, 128],
  );
  unfit = await reportOf((grid) => (grid.cases = grid.cases.filter(({ model }) => model === 1)), ['selene'], [8, 16]);
});

describe('renderGridPage', () => {
  it('is well-formed, runs no script, loads nothing, and draws within its charts', () => {
    for (const report of [large, hostile, unfit]) {
      const page = pageOf(report);
      const names = new Set(elementsOf(page));
      for (const name of ['script', 'link', 'img', 'iframe', 'object']) expect(names).not.toContain(name);
      expect(page).not.toMatch(/\b(?:src|on[a-z]+)=|url\(|@import|https?:/);
      expect(slipsOf(page)).toEqual([]);
      expect(marksOf(page).outside).toEqual([]);
    }
    expect(textOf(pageOf(hostile))).toContain(`gpt3-1.3b${HOSTILE}`);
  });

  it('has a row and a mark for each case, filled and named on the front', () => {
    const page = pageOf(large);
    for (const [index, { cases }] of large.works.entries()) {
      const section = sectionOf(page, `work-${index + 1}`);
      const planned = cases.filter(({ best }) => best !== null);
      const front = cases.filter(({ isOnFront }) => isOnFront);
      expect(front.length).toBeGreaterThan(1);
      const [ofFront = '', ofAll = ''] = section.split('<details>');
      expect(ofFront.match(/<th scope="row">/g)).toHaveLength(front.length);
      expect(ofAll.match(/<th scope="row">/g)).toHaveLength(cases.length);
      expect(section.match(/<tr class="unplanned">/g) ?? []).toHaveLength(cases.length - planned.length);
      // Both charts have all of them.
      expect(section.match(/<(?:circle|rect|polygon) class="(?:on|off)"/g)).toHaveLength(2 * planned.length);
      expect(section.match(/<(?:circle|rect|polygon) class="on"/g)).toHaveLength(2 * front.length);
      expect(section.match(/<polyline class="front" points="([^"]*)"/)?.[1]?.split(' ')).toHaveLength(front.length);
      expect(section.match(/<polyline class="trace"/g)).toHaveLength(3);
    }
  });

  it('says what is soonest and what is cheapest', () => {
    const text = textOf(sectionOf(pageOf(large), 'work-2'));
    const planned = large.works[1]?.cases.flatMap(({ best }) => best ?? []) ?? [];
    const least = Math.round(Math.min(...planned.map(({ cost }) => cost ?? Infinity)));
    expect(text).toMatch(
      new RegExp(
        `Cheapest: [\\d.]+ days on [\\d,]+ GPUs of [\\w-]+ with a batch of [\\d,]+, for ${least.toLocaleString('en')}\\.`,
      ),
    );
    expect(text).toMatch(/Soonest: [\d.]+ (?:days|hours|minutes) on 6,080 GPUs of rsc-phase/);
  });

  it('has no chart where there is nothing to draw, and says so', () => {
    const page = pageOf(unfit);
    expect(page).not.toContain('role="img"');
    expect(textOf(page)).toContain('No case can be trained to an end. 2 of 2 cases cannot be trained so.');
    expect(textOf(page)).toMatch(/does not fit: a GPU needs [\d.]+ GiB and has 40\.0/);
  });

  it('has inks that stand out from the ground', () => {
    for (const theme of ['light', 'dark'] as const) {
      for (const ink of SCENARIO_INKS[theme]) expect(contrast(ink, THEMES[theme].ground)).toBeGreaterThan(3);
    }
  });
});
