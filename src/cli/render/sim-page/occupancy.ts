import type { DeviceTime, TwinReport } from '../../../twin/report.ts';
import { drawing, type Frame, round } from '../page-chart.ts';
import { html, Markup, table } from '../page-markup.ts';
import { deviceWord } from '../sim-facts.ts';
import { embedded, section } from './section.ts';
import { isEmpty, type Layer, LAYERS, type Step, stepLine, stepPath, stepsOf, thickest } from './steps.ts';
import { LAYER_INKS } from './style.ts';
import { momentText, timeAxis } from './time.ts';
import { counted, digits, percent, whole } from '../sim-words.ts';
import { shortNumber } from './losses.ts';

const WIDE = { width: 1040, height: 560, left: 66, right: 14, top: 26, bottom: 46 } as const;
const NARROW = { width: 420, height: 560, left: 58, right: 12, top: 26, bottom: 46 } as const;
/** Of the two plots of the queue, and of the space above each for its title. */
const QUEUE_HEIGHT = 70;
const QUEUE_GAP = 34;
/** A band as thick as this bears its number. */
const NUMBER_HEIGHT = 17;

export function occupancySection(report: TwinReport, endSeconds: number): Markup {
  const { predictions, series, inputs } = report;
  const device = deviceWord(report);
  const { devices } = inputs.cluster;
  const steps = stepsOf(series, endSeconds);
  if (steps.every(isEmpty)) {
    return section(
      'occupancy',
      'predicted',
      'Occupancy over time: nothing ran',
      html`<p>${`All ${whole(devices)} ${device}s were idle from the begin to the end, and no job waited.`}</p>`,
    );
  }
  const texts = steps.map((step) => stepText(step, devices, device, endSeconds));
  const { queue, fragmentation } = predictions;
  const warmup =
    inputs.warmupSeconds > 0
      ? ` The first ${momentText(inputs.warmupSeconds, endSeconds)} warmed the cluster up and is in no other figure.`
      : '';
  const chart = (frame: Frame, kind: string) =>
    html`<div class="${kind}">${occupancyChart(frame, kind, steps, devices, device, endSeconds)}</div>`;
  return section(
    'occupancy',
    'predicted',
    `Occupancy over time: ${percent(predictions.occupancy)} of all ${device}s are allocated in the mean`,
    html`<figure class="wide">${chart(WIDE, 'wide-only')}${chart(NARROW, 'narrow')}${embedded('occupancy-values', texts)}<figcaption>${`Every ${device} of the cluster from the first to the last ${timeAxis(endSeconds, 0, 1, 9).unit} of the run, by what it did; below, what waited for one. Numbers are those of the table.${warmup}`}</figcaption></figure>
${deviceTimeTable(predictions.deviceTime, device)}
<p>${`The queue held ${digits(queue.meanJobs)} jobs in the mean and ${whole(queue.maxJobs)} at most; they asked for ${counted(queue.meanDevices, device)} in the mean. ${counted(fragmentation.meanDevices, device)}, ${percent(fragmentation.shareOfIdle)} of the idle ones, were free on nodes that were partly in use, where no job of whole nodes can have them.`}</p>`,
  );
}

function stepText(step: Step, total: number, device: string, endSeconds: number): string {
  const parts = LAYERS.filter(({ name }) => step.devices[name] >= 0.0005 * total).map(
    ({ name, title }) => `${title}: ${counted(step.devices[name], device)}, ${percent(step.devices[name] / total)}`,
  );
  const queue = `${digits(step.pendingJobs)} jobs wait for ${counted(step.pendingDevices, device)}, ${digits(step.runningJobs)} run`;
  return [momentText(step.from, endSeconds), ...parts, queue].join('\n');
}

function occupancyChart(
  frame: Frame,
  id: string,
  steps: readonly Step[],
  total: number,
  device: string,
  endSeconds: number,
): Markup {
  const { width, height, left, right, top, bottom } = frame;
  const ground = height - bottom - 2 * (QUEUE_HEIGHT + QUEUE_GAP);
  const time = timeAxis(endSeconds, left, width - right, width > 600 ? 12 : 6);
  const yOf = (devices: number) => ground - (Math.min(devices, total) / total) * (ground - top);
  const layers = LAYERS.map((layer, index) => ({
    ...layer,
    lower: steps.map(({ devices }) => sumOf(devices, index)),
    upper: steps.map(({ devices }) => sumOf(devices, index + 1)),
  }));
  // From the top down: each covers the lower part of the one before.
  const areas = layers.toReversed().map(({ name, upper }, index) => {
    const edge = index === 0 ? upper.map(() => total) : upper;
    return html`<path style="fill:${LAYER_INKS[name].fill}" d="${stepPath(steps, edge, time.at, yOf, ground)}"/>`;
  });
  const numbers = layers.flatMap(({ name, lower, upper }, index) => {
    const spot = thickest(
      lower.map((low, step) => yOf(low) - yOf(upper[step] ?? low)),
      Math.ceil((16 * steps.length) / (width - left - right)),
    );
    const step = steps[spot.index];
    if (step === undefined || spot.thickness < NUMBER_HEIGHT) return [];
    const x = (time.at(step.from) + time.at(step.to)) / 2;
    const y = (yOf(lower[spot.index] ?? 0) + yOf(upper[spot.index] ?? 0)) / 2;
    return [
      html`<text x="${round(x)}" y="${round(y + 5)}" text-anchor="middle" style="fill:${LAYER_INKS[name].text};font-weight:600">${index + 1}</text>`,
    ];
  });
  const grid = niceTicks(total, 5).map((tick) => {
    const at = round(yOf(tick));
    return html`<text x="${left - 8}" y="${at + 4}" text-anchor="end">${tick < 100_000 ? whole(tick) : shortNumber(tick)}</text><line class="axis" x1="${left - 4}" x2="${left}" y1="${at}" y2="${at}"/>`;
  });
  const jobsGround = ground + QUEUE_GAP + QUEUE_HEIGHT;
  const devicesGround = jobsGround + QUEUE_GAP + QUEUE_HEIGHT;
  const columns = time.ticks.map((tick) => {
    const at = round(time.at(tick));
    return html`<line class="axis" x1="${at}" x2="${at}" y1="${devicesGround}" y2="${devicesGround + 5}"/><text x="${at}" y="${devicesGround + 19}" text-anchor="middle">${time.text(tick)}</text>`;
  });
  const jobs = steps.map(({ pendingJobs }) => pendingJobs);
  const asked = steps.map(({ pendingDevices }) => pendingDevices);
  const productive = steps.map(({ devices }) => devices.productive / total);
  return drawing(
    `occupancy-${id}`,
    `${device}s by what they do, over time`,
    `Productive ${device}s between ${percent(Math.min(...productive))} and ${percent(Math.max(...productive))} of the cluster; up to ${whole(Math.max(...jobs))} jobs wait. The table below has the sums.`,
    height,
    html`<text x="4" y="14">${`${device}s of the cluster`}</text>${areas}${numbers}${grid}<line class="axis" x1="${left}" x2="${width - right}" y1="${ground}" y2="${ground}"/>${queuePlot(frame, jobsGround, steps, jobs, 'jobs that wait', time.at)}${queuePlot(frame, devicesGround, steps, asked, `${device}s they ask for`, time.at)}${columns}<text x="${(left + width - right) / 2}" y="${height - 6}" text-anchor="middle">${`${time.unit} of the run`}</text>`,
    {
      width,
      attributes: html` data-texts="occupancy-values" data-span="${`${left} ${width - right} ${top} ${devicesGround}`}"`,
    },
  );
}

function queuePlot(
  { width, left, right }: Frame,
  ground: number,
  steps: readonly Step[],
  values: readonly number[],
  title: string,
  xOf: (seconds: number) => number,
): Markup {
  const ticks = niceTicks(Math.max(1, ...values), 2);
  const most = Math.max(1, ...values, ...ticks);
  const yOf = (value: number) => ground - (value / most) * QUEUE_HEIGHT;
  const grid = ticks.map((tick) => {
    const at = round(yOf(tick));
    return html`<line class="grid" x1="${left}" x2="${width - right}" y1="${at}" y2="${at}"/><text x="${left - 8}" y="${at + 4}" text-anchor="end">${tick < 100_000 ? whole(tick) : shortNumber(tick)}</text>`;
  });
  return html`<text x="4" y="${ground - QUEUE_HEIGHT - 12}">${title}</text>${grid}<path class="queue-fill" d="${stepPath(steps, values, xOf, yOf, ground)}"/><path class="queue" d="${stepLine(steps, values, xOf, yOf)}"/><line class="axis" x1="${left}" x2="${width - right}" y1="${ground}" y2="${ground}"/>`;
}

/** From 0 to the most, round ones: as many beside 0 as `count`, at most. */
export function niceTicks(most: number, count: number): number[] {
  const power = 10 ** Math.floor(Math.log10(most / count));
  const step = Math.max(1, ([1, 2, 5].find((factor) => Math.floor(most / (factor * power)) <= count) ?? 10) * power);
  return Array.from({ length: Math.floor(most / step + 1e-9) + 1 }, (_, index) => index * step);
}

function sumOf(devices: Record<Layer, number>, count: number): number {
  return LAYERS.slice(0, count).reduce((sum, { name }) => sum + devices[name], 0);
}

function deviceTimeTable(time: DeviceTime, device: string): Markup {
  const row = (name: Markup, hours: number, meaning: string, style = '') =>
    html`<tr class="${style}"><th scope="row">${name}</th><td>${digits(hours)}</td><td>${percent(time.capacity === 0 ? 0 : hours / time.capacity)}</td><td class="words">${meaning}</td></tr>`;
  const rows = LAYERS.map(({ name, title, meaning }, index) =>
    row(
      html`<span class="swatch" style="background:${LAYER_INKS[name].fill};color:${LAYER_INKS[name].text}">${index + 1}</span> ${title}`,
      time[name],
      meaning,
    ),
  );
  const left = Math.abs(time.residualAllocated) + Math.abs(time.residualCapacity);
  const check =
    left < 1e-6 * Math.max(1, time.capacity)
      ? 'all there is: the parts, each counted on its own, add up to it'
      : `all there is; the parts, each counted on its own, miss it by ${digits(left)} ${device}-hours`;
  return table(
    `Where the ${device} time went`,
    [`${device} time`, `${device}-hours`, 'share', { words: 'what it is' }],
    [...rows, row(html`Capacity`, time.capacity, check, 'sum')],
  );
}
