import type { PlanReport } from '../../plan/plan.ts';
import { GPUS_OF_PHASE_2, type MarkedPoint, type ScalingReport } from '../../plan/scaling.ts';
import { axes, CHART, drawing, logScale, polyline, round, spacedTicks } from '../page-chart.ts';
import { html, type Markup, NOTHING, table } from '../page-markup.ts';
import { duration } from './words.ts';
import { digits, whole } from '../plan-report.ts';

/** Below the lowest point, as a factor, for its label. */
const LABEL_ROOM = 2.2;
const POINT_LABEL_WIDTH = 150;

/** What other numbers of GPUs would give, as a chart and as a table. Empty where the run fits none. */
export function scalingSection(report: PlanReport, scaling: ScalingReport): Markup {
  if (scaling.strong.length === 0) return NOTHING;
  return html`<section><h2>What more or fewer GPUs would give</h2>${summary(report, scaling)}
<div class="pair"><div><figure>${chart(report, scaling)}<figcaption>Days to train against the size of the machine, both on logarithmic axes; failures included.</figcaption></figure><p class="lesser">Speed of a GPU: its tokens a second with the same batch, over that on the smallest machine of the table. Size: sequences in the batch grown. "Uses": model and batch do not divide well over more GPUs, the rest would stand idle. The farther from machines that were measured, the less certain the time.</p></div>${numbers(scaling)}</div></section>`;
}

function phase2Point(points: readonly MarkedPoint[]): MarkedPoint | undefined {
  return points.find(({ targetGpus }) => targetGpus === GPUS_OF_PHASE_2);
}

function summary({ gpus, best, fits }: PlanReport, { strong, weak }: ScalingReport): Markup {
  const far = phase2Point(strong);
  const farGrown = phase2Point(weak);
  const sentences: string[] = [];
  const fewer = strong.find(({ targetGpus, marks }) => targetGpus === gpus && marks.includes('size of this plan'));
  if (fits && fewer !== undefined && fewer.expectedDays < best.expectedDays) {
    sentences.push(
      `Fewer GPUs would be faster: ${whole(gpus)} do not divide well, ${whole(fewer.gpus)} of them take ${duration(fewer.expectedDays)} instead of ${duration(best.expectedDays)}.`,
    );
  }
  if (fits && far !== undefined && gpus !== GPUS_OF_PHASE_2) {
    const kind = far.marks.includes('hypothetical') ? ' (hypothetical: this cluster is smaller)' : '';
    const times = (point: MarkedPoint) => `${digits(best.expectedDays / point.expectedDays)} times as fast`;
    const grown =
      farGrown === undefined
        ? ''
        : `, and ${duration(farGrown.expectedDays)} with a batch grown along, ${times(farGrown)}`;
    sentences.push(
      `On ${whole(GPUS_OF_PHASE_2)} GPUs${kind}, ${digits(GPUS_OF_PHASE_2 / gpus)} times this plan's number, it would take ${duration(far.expectedDays)} with the same batch, ${times(far)}${grown}.`,
    );
  }
  sentences.push(
    'With the same batch every machine does the same training, and each GPU has less to do the more there are. With a batch that grows with the machine the GPUs stay busy, but fewer and larger updates do not always train as well: take that line as the best that can be hoped for.',
  );
  return html`${sentences.map((sentence) => html`<p>${sentence}</p>`)}`;
}

function chart({ gpus: ownGpus, best, fits }: PlanReport, { strong, weak }: ScalingReport): Markup {
  const { width, height, left, right, top, bottom } = CHART;
  const all = [...strong, ...weak];
  const sizes = all.map(({ targetGpus }) => targetGpus);
  const days = all.map(({ expectedDays }) => expectedDays);
  const ownDays = fits ? [best.expectedDays] : [];
  const [smallest] = strong;
  const most = Math.max(...sizes);
  const idealAt = (gpus: number) => (smallest === undefined ? 0 : (smallest.expectedDays * smallest.targetGpus) / gpus);
  const x = logScale(Math.min(...sizes), most, left, width - right);
  const y = logScale(Math.min(...days, idealAt(most)), Math.max(...days, ...ownDays), height - bottom, top, LABEL_ROOM);
  const place = ({ targetGpus, expectedDays }: MarkedPoint) => [x.at(targetGpus), y.at(expectedDays)] as const;
  const ideal = [Math.min(...sizes), most].map((gpus) => [x.at(gpus), y.at(idealAt(gpus))] as const);
  const description = `${listed('Same batch', strong)} ${listed('Batch grown with the machine', weak)}`;
  return drawing(
    'scaling',
    'Days to train by number of GPUs',
    description,
    height,
    html`${axes(
      { at: x.at, ticks: spacedTicks(sizes, x.at) },
      y,
      { x: 'GPUs of the machine', y: 'days to train' },
      { x: whole, y: (value) => (value >= 1 ? whole(value) : String(value)) },
    )}${polyline('ideal', ideal)}${polyline('other', weak.map(place))}${polyline('chosen', strong.map(place))}${weak.map(square)}${strong.map(circle)}${
      fits
        ? html`<circle class="ring" cx="${round(x.at(ownGpus))}" cy="${round(y.at(best.expectedDays))}" r="8"/>`
        : NOTHING
    }${label(strong, true)}${label(weak, false)}${legend(fits)}`,
  );

  function circle(point: MarkedPoint): Markup {
    const [cx, cy] = place(point);
    return html`<circle class="chosen dot" cx="${round(cx)}" cy="${round(cy)}" r="4"/>`;
  }

  function square(point: MarkedPoint): Markup {
    const [cx, cy] = place(point);
    return html`<rect class="other dot" x="${round(cx - 4)}" y="${round(cy - 4)}" width="8" height="8"/>`;
  }

  /** Above the whole line where there is a line within the label's width, else below the point. */
  function label(points: readonly MarkedPoint[], isAbove: boolean): Markup {
    const point = phase2Point(points);
    if (point === undefined) return NOTHING;
    const [cx, cy] = place(point);
    const own = fits ? [[x.at(ownGpus), y.at(best.expectedDays) - 4] as const] : [];
    const near = [...points.map(place), ...own].filter(([x]) => x <= cx && x > cx - POINT_LABEL_WIDTH);
    const at = isAbove ? Math.min(...near.map(([, y]) => y)) - 12 : cy + 22;
    const text = `${whole(point.targetGpus)}: ${duration(point.expectedDays)}`;
    return html`<text class="halo" x="${round(Math.min(cx + 12, width - 2))}" y="${round(at)}" text-anchor="end">${text}</text>`;
  }
}

function legend(hasOwn: boolean): Markup {
  const { left, height, bottom } = CHART;
  const x = left + 10;
  const line = (row: number, style: string, text: string, mark: Markup = NOTHING) => {
    const y = height - bottom - 12 - 18 * row;
    return html`<line class="${style}" x1="${x}" x2="${x + 26}" y1="${y - 4}" y2="${y - 4}"/>${mark}<text class="halo" x="${x + 34}" y="${y}">${text}</text>`;
  };
  const y = (row: number) => height - bottom - 16 - 18 * row;
  const ring = html`<circle class="ring" cx="${x + 13}" cy="${y(3)}" r="7"/><text class="halo" x="${x + 34}" y="${y(3) + 4}">this plan</text>`;
  return html`${hasOwn ? ring : NOTHING}${line(2, 'chosen', 'same batch', html`<circle class="chosen dot" cx="${x + 13}" cy="${y(2)}" r="4"/>`)}${line(1, 'other', 'batch grown along', html`<rect class="other dot" x="${x + 9}" y="${y(1) - 4}" width="8" height="8"/>`)}${line(0, 'ideal', 'ideal: twice the GPUs, half the time')}`;
}

function listed(name: string, points: readonly MarkedPoint[]): string {
  return `${name}: ${points.map(({ targetGpus, expectedDays }) => `${whole(targetGpus)} GPUs ${duration(expectedDays)}`).join(', ')}.`;
}

function numbers({ strong, weak }: ScalingReport): Markup {
  const rows = strong.map((point) => {
    const { targetGpus, gpus, marks, expectedDays, efficiency } = point;
    const grown = weak.find((other) => other.targetGpus === targetGpus);
    const remarks = [...marks, ...(gpus < targetGpus ? [`uses ${whole(gpus)}`] : [])].join(', ');
    const far =
      grown === undefined
        ? html`<td>-</td><td>-</td>`
        : html`<td>${duration(grown.expectedDays)}</td><td>${whole(grown.globalBatch)}</td>`;
    return html`<tr class="${marks.includes('this plan') ? 'best' : ''}"><th scope="row">${whole(targetGpus)}${remarks === '' ? NOTHING : html`<small>${remarks}</small>`}</th><td>${duration(expectedDays)}</td><td>${Math.round(100 * efficiency)} %</td>${far}</tr>`;
  });
  return table(
    'Time to train by number of GPUs',
    ['GPUs', 'same batch', 'speed of a GPU', 'batch grown', 'its size'],
    rows,
  );
}
