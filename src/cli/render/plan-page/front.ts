import type { PlanReport } from '../../plan/plan.ts';
import { axes, CHART, drawing, linearScale, logScale, polyline, round } from '../page-chart.ts';
import { html, type Markup, NOTHING, table } from '../page-markup.ts';
import { gib, inGib } from './words.ts';
import { layoutText, percent, secondsText, whole } from '../plan-report.ts';

/** Slowest over fastest, beyond which the axis of time is logarithmic. */
const LINEAR_MOST = 6;

/** Layouts of which none is both faster and smaller. */
export function frontSection(report: PlanReport): Markup {
  const { front, fits } = report;
  if (front.length === 0) return NOTHING;
  const words = fits
    ? 'Each point is a way to lay the work out that no other beats in both time and memory. To the left memory is saved, at the price of slower steps.'
    : 'None of these layouts fits. Each point is one that no other beats in both time and memory.';
  return html`<section><h2>Time against memory</h2><p>${words}</p><figure>${chart(report)}<figcaption>${`${front.length === 1 ? 'One layout' : `${whole(front.length)} layouts`} of the ${whole(report.search.spaceSize)} that are possible.`}</figcaption></figure></section>`;
}

function chart({ front, best, memoryBytesPerGpuMax, fits }: PlanReport): Markup {
  const { width, height, left, right, top, bottom } = CHART;
  const limit = inGib(memoryBytesPerGpuMax);
  const sizes = front.map(({ memoryBytesPerGpu }) => inGib(memoryBytesPerGpu));
  const times = front.map(({ iterationSeconds }) => iterationSeconds);
  const isShort = Math.max(...times) < 2;
  const unit = isShort ? 1000 : 1;
  const x = linearScale(Math.min(...sizes, limit), Math.max(...sizes, limit), left, width - right);
  const [fastest, slowest] = [Math.min(...times) * unit, Math.max(...times) * unit];
  const isWide = slowest > LINEAR_MOST * fastest;
  const y = isWide ? logScale(fastest, slowest, height - bottom, top) : linearScale(0, slowest, height - bottom, top);
  const place = ({ iterationSeconds, memoryBytesPerGpu }: (typeof front)[number]) =>
    [x.at(inGib(memoryBytesPerGpu)), y.at(iterationSeconds * unit)] as const;
  const dots = front.map((point) => {
    const [cx, cy] = place(point);
    return html`<circle class="chosen dot" cx="${round(cx)}" cy="${round(cy)}" r="4"/>`;
  });
  const [chosenX, chosenY] = place(best);
  const limitX = round(x.at(limit));
  const label = fits ? 'this plan' : 'least memory';
  const isRight = chosenX > (left + width - right) / 2;
  const range = `from ${secondsText(Math.min(...times))} with ${gib(Math.max(...front.map(({ memoryBytesPerGpu }) => memoryBytesPerGpu)))} to ${secondsText(Math.max(...times))} with ${gib(Math.min(...front.map(({ memoryBytesPerGpu }) => memoryBytesPerGpu)))}`;
  return drawing(
    'front',
    'Time of a step against memory',
    `${whole(front.length)} layouts ${range}; ${label}: ${secondsText(best.iterationSeconds)} with ${gib(best.memoryBytesPerGpu)}. A GPU has ${gib(memoryBytesPerGpuMax)}.`,
    height,
    html`${axes(x, y, { x: 'memory of the fullest GPU, GiB', y: `${isShort ? 'milliseconds' : 'seconds'} a step${isWide ? ' (logarithmic)' : ''}` }, { x: String, y: String })}${polyline('chosen', front.map(place))}${dots}<line class="limit" x1="${limitX}" x2="${limitX}" y1="${top}" y2="${height - bottom}"/><text class="limit-text" x="${width - right}" y="13" text-anchor="end">dashed: all a GPU has</text><circle class="ring" cx="${round(chosenX)}" cy="${round(chosenY)}" r="8"/><text class="halo" x="${round(chosenX)}" y="${round(chosenY - 14)}" text-anchor="${isRight ? 'end' : 'start'}">${label}</text>`,
  );
}

/** The layout chosen and the next best, each with what tells it from the chosen. */
export function alternativesSection({ best, alternatives, search, fits }: PlanReport): Markup {
  const rows = [best, ...alternatives].map(
    ({ parallelism, iterationSeconds, mfu, memoryBytesPerGpu, why }, rank) =>
      html`<tr class="${rank === 0 ? 'first best' : 'first'}"><td class="words">${layoutText(parallelism)}</td><td>${secondsText(iterationSeconds)}</td><td>${percent(mfu)}</td><td>${gib(memoryBytesPerGpu)}</td></tr><tr class="why"><td class="words" colspan="4">${why}</td></tr>`,
  );
  const searched =
    search.spaceSize === 1
      ? 'The layout was given whole, nothing was searched.'
      : `All ${whole(search.spaceSize)} possible layouts were considered: ${whole(search.evaluated)} evaluated, the others proven to be no better.`;
  return html`<section><h2>${fits ? 'The choice, and what came close' : 'What needs least memory'}</h2><p>${searched}</p>${table(
    'The best layouts',
    [{ words: 'layout, and what tells it from the others' }, 'step', 'MFU', 'memory'],
    rows,
  )}</section>`;
}
