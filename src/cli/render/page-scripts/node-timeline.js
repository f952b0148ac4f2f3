// The node timeline: a grid of cells, nodes downwards and time to the right, drawn once into an image of one pixel a cell and from there
// into view at any scale.

/**
 * @typedef {{firstNode: number, lastNode: number, label: string, runs: number[], outOfService: number[]}} Row
 * @typedef {{columnSeconds: number, columns: number, rows: Row[]}} Timeline
 * @typedef {{name: string, fill: string, text: string, mark: string}} State
 */

/**
 * @template {HTMLElement} Element
 * @param {string} id
 * @param {new () => Element} kind
 * @returns {Element}
 */
function element(id, kind) {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new Error(`the page has no ${id}`);
}

const canvas = element('timeline-canvas', HTMLCanvasElement);
const readout = element('timeline-readout', HTMLElement);
const details = element('timeline-details', HTMLDetailsElement);
const table = element('timeline-table', HTMLTableElement);
/** @type {{summary: {endMs: number}, report: {timeline: Timeline}}} */
const run = JSON.parse(element('run', HTMLElement).textContent ?? '');
/** @type {State[]} */
const states = JSON.parse(element('timeline-states', HTMLElement).textContent ?? '');
const { columns, columnSeconds, rows } = run.report.timeline;
const endSeconds = run.summary.endMs / 1000;
const cells = new Uint8Array(rows.length * columns);
const outOfService = new Float32Array(rows.length * columns);
rows.forEach(({ runs, outOfService: out }, row) => {
  expand(cells, runs, row);
  expand(outOfService, out, row);
});

/** Of the canvas, in CSS pixels. */
const margin = { left: 96, top: 4, right: 16, bottom: 40 };
/** What is in view: columns and rows from `left` and `top`. `x` and `y` are the cell that the keyboard is at. */
const view = { left: 0, top: 0, width: columns, height: rows.length, x: columns / 2, y: rows.length / 2 };
const least = { width: Math.min(columns, 8), height: Math.min(rows.length, 4) };
let image = imageOf();
let isKeyboard = false;
let frame = 0;
let settling = 0;

/**
 * A row's cells from its runs: the column where each begins and its value.
 * @param {Uint8Array | Float32Array} into
 * @param {number[]} runs
 * @param {number} row
 */
function expand(into, runs, row) {
  for (let at = 0; at < runs.length; at += 2) {
    into.fill(runs[at + 1] ?? 0, row * columns + (runs[at] ?? 0), row * columns + (runs[at + 2] ?? columns));
  }
}

/** @param {string} name */
function themeColour(name) {
  return getComputedStyle(canvas).getPropertyValue(name).trim();
}

/** @param {string} fill */
function colourOf(fill) {
  return fill.startsWith('var(') ? themeColour(fill.slice(4, -1)) : fill;
}

/** One pixel a cell, in the colours of the theme. */
function imageOf() {
  const drawn = document.createElement('canvas');
  drawn.width = columns;
  drawn.height = Math.max(1, rows.length);
  const context = drawn.getContext('2d');
  if (context === null || rows.length === 0) return drawn;
  const pixels = context.createImageData(columns, rows.length);
  const words = new Uint32Array(pixels.data.buffer);
  const colours = states.map(({ fill }) => {
    const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => Number.parseInt(colourOf(fill).slice(at, at + 2), 16));
    // Red first in memory.
    return (255 << 24) | (blue << 16) | (green << 8) | red;
  });
  cells.forEach((state, cell) => {
    words[cell] = colours[state] ?? 0;
  });
  context.putImageData(pixels, 0, 0);
  return drawn;
}

/** Width and height of what is drawn into, in CSS pixels. */
function plot() {
  const width = canvas.clientWidth - margin.left - margin.right;
  return { width, height: canvas.clientHeight - margin.top - margin.bottom };
}

function draw() {
  frame = 0;
  const context = canvas.getContext('2d');
  if (context === null) return;
  const scale = window.devicePixelRatio || 1;
  canvas.width = Math.round(canvas.clientWidth * scale);
  canvas.height = Math.round(canvas.clientHeight * scale);
  context.scale(scale, scale);
  const { width, height } = plot();
  context.imageSmoothingEnabled = false;
  context.drawImage(image, view.left, view.top, view.width, view.height, margin.left, margin.top, width, height);
  context.font = `13px ${getComputedStyle(document.body).fontFamily}`;
  context.save();
  context.beginPath();
  context.rect(margin.left, margin.top, width, height);
  context.clip();
  drawOutOfService(context, width / view.width, height / view.height);
  drawMarks(context, width / view.width, height / view.height);
  context.restore();
  drawAxes(context, width, height);
  if (isKeyboard) drawCursor(context, width / view.width, height / view.height);
}

/**
 * A line below the cells of which some nodes are out of service, however small the cells are.
 * @param {CanvasRenderingContext2D} context
 * @param {number} cellWidth
 * @param {number} cellHeight
 */
function drawOutOfService(context, cellWidth, cellHeight) {
  const tall = Math.min(6, Math.max(1, cellHeight / 4));
  context.fillStyle = states.find(({ name }) => name === 'down')?.fill ?? '';
  for (let row = Math.floor(view.top); row < Math.min(rows.length, view.top + view.height); row += 1) {
    const { firstNode, lastNode, outOfService: runs } = rows[row] ?? { firstNode: 0, lastNode: 0, outOfService: [] };
    if (firstNode === lastNode) continue;
    const y = margin.top + (row + 1 - view.top) * cellHeight - tall;
    for (let at = 0; at < runs.length; at += 2) {
      const [from, to] = [runs[at] ?? 0, runs[at + 2] ?? columns];
      if (runs[at + 1] !== 0 && to > view.left && from < view.left + view.width) {
        context.fillRect(margin.left + (from - view.left) * cellWidth, y, Math.max(1, (to - from) * cellWidth), tall);
      }
    }
  }
}

/**
 * Says what the cells are where there is room for it: once in each run of equal ones.
 * @param {CanvasRenderingContext2D} context
 * @param {number} cellWidth
 * @param {number} cellHeight
 */
function drawMarks(context, cellWidth, cellHeight) {
  if (cellHeight < 15) return;
  context.textAlign = 'left';
  context.textBaseline = 'middle';
  const last = Math.min(columns, Math.ceil(view.left + view.width));
  for (let row = Math.floor(view.top); row < Math.min(rows.length, view.top + view.height); row += 1) {
    const middle = margin.top + (row + 0.5 - view.top) * cellHeight;
    for (let from = Math.floor(view.left), to = from; from < last; from = to) {
      const state = cells[row * columns + from] ?? 0;
      while (to < last && cells[row * columns + to] === state) to += 1;
      const found = states[state];
      if (found === undefined || found.mark === '') continue;
      const x = margin.left + (Math.max(from, view.left) - view.left) * cellWidth;
      const room = (Math.min(to, view.left + view.width) - Math.max(from, view.left)) * cellWidth;
      if (room < context.measureText(found.mark).width + 8) continue;
      context.fillStyle = colourOf(found.text);
      context.fillText(found.mark, x + 4, middle);
    }
  }
}

/**
 * Names of rows at the left, time below.
 * @param {CanvasRenderingContext2D} context
 * @param {number} width
 * @param {number} height
 */
function drawAxes(context, width, height) {
  const text = themeColour('--text');
  context.strokeStyle = themeColour('--lesser');
  context.fillStyle = text;
  context.strokeRect(margin.left - 0.5, margin.top - 0.5, width + 1, height + 1);
  context.textAlign = 'right';
  context.textBaseline = 'middle';
  const everyRow = [1, 2, 5, 10, 20, 25, 50, 100].find((each) => (each * height) / view.height >= 20) ?? 250;
  for (let row = Math.ceil(view.top / everyRow) * everyRow; row < view.top + view.height; row += everyRow) {
    const name = rows[row]?.label.split(' - ')[0] ?? '';
    const y = margin.top + (row + 0.5 - view.top) * (height / view.height);
    if (y < margin.top + height) context.fillText(name, margin.left - 6, Math.max(y, margin.top + 7), margin.left - 8);
  }
  context.textAlign = 'center';
  context.textBaseline = 'top';
  const seconds = view.width * columnSeconds;
  const unit = unitOf(seconds);
  const step = unit.steps.find((each) => (each * unit.seconds * width) / seconds >= 64) ?? 1000;
  const perSecond = width / seconds;
  const ground = margin.top + height;
  for (
    let tick = Math.ceil((view.left * columnSeconds) / unit.seconds / step) * step;
    tick * unit.seconds <= (view.left + view.width) * columnSeconds;
    tick += step
  ) {
    const x = margin.left + (tick * unit.seconds - view.left * columnSeconds) * perSecond;
    context.fillRect(Math.round(x), ground, 1, 5);
    context.fillText(tick.toLocaleString('en'), x, ground + 7);
  }
  context.fillText(`${unit.name} of the run`, margin.left + width / 2, ground + 23);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} cellWidth
 * @param {number} cellHeight
 */
function drawCursor(context, cellWidth, cellHeight) {
  const x = margin.left + (Math.floor(view.x) - view.left) * cellWidth;
  const y = margin.top + (Math.floor(view.y) - view.top) * cellHeight;
  const [width, height] = [Math.max(cellWidth, 7), Math.max(cellHeight, 7)];
  // Two colours: one of them stands out from any cell.
  for (const [style, inset] of /** @type {const} */ ([
    ['#000000', -2.5],
    ['#ffffff', -1],
  ])) {
    context.strokeStyle = style;
    context.lineWidth = 1.5;
    context.strokeRect(x + inset, y + inset, width - 2 * inset, height - 2 * inset);
  }
}

/**
 * The unit in which so much time is told.
 * @param {number} seconds
 */
function unitOf(seconds) {
  const units = [
    { name: 'day', seconds: 86_400, steps: [1, 2, 5, 10, 20, 50, 100, 200, 500] },
    { name: 'hour', seconds: 3600, steps: [1, 2, 3, 6, 12, 24, 48] },
    { name: 'minute', seconds: 60, steps: [1, 2, 5, 10, 15, 30, 60, 120] },
    { name: 'second', seconds: 1, steps: [1, 2, 5, 10, 15, 30, 60, 120] },
  ];
  const second = { name: 'second', seconds: 1, steps: [1] };
  return units.find((unit) => seconds >= 3 * unit.seconds) ?? units[3] ?? second;
}

/** @param {number} seconds */
function moment(seconds) {
  const unit = unitOf(endSeconds);
  return `${unit.name} ${(Math.min(seconds, endSeconds) / unit.seconds).toFixed(unit.seconds === 1 ? 0 : 2)}`;
}

/**
 * Says what a cell is.
 * @param {number} column
 * @param {number} row
 */
function tell(column, row) {
  const [x, y] = [Math.floor(column), Math.floor(row)];
  const name = rows[y]?.label;
  if (name === undefined || x < 0 || x >= columns) return;
  const state = states[cells[y * columns + x] ?? 0]?.name ?? '';
  const out = outOfService[y * columns + x] ?? 0;
  const count = (rows[y]?.lastNode ?? 0) - (rows[y]?.firstNode ?? 0) + 1;
  const service = out === 0 || count === 1 ? '' : `; ${out.toFixed(1)} of ${count} nodes down or drained`;
  readout.textContent = `${name}, ${moment(x * columnSeconds)} to ${moment((x + 1) * columnSeconds)}: ${state}${service}`;
}

/**
 * @param {number} value
 * @param {number} low
 * @param {number} high
 */
function clamp(value, low, high) {
  return Math.max(low, Math.min(value, high));
}

function redraw() {
  view.width = clamp(view.width, least.width, columns);
  view.height = clamp(view.height, least.height, rows.length);
  view.left = clamp(view.left, 0, columns - view.width);
  view.top = clamp(view.top, 0, rows.length - view.height);
  const isWhole = view.width === columns && view.height === rows.length;
  // A finger scrolls the page until there is something to move.
  canvas.style.touchAction = isWhole ? 'pan-y' : 'none';
  for (const button of document.querySelectorAll('#timeline button')) {
    if (button instanceof HTMLButtonElement && button.dataset['do'] !== 'in') button.disabled = isWhole;
  }
  if (frame === 0) frame = requestAnimationFrame(draw);
  clearTimeout(settling);
  settling = setTimeout(tabulate, 200);
}

/**
 * Zooms by a factor around a cell.
 * @param {number} factor
 * @param {number} x
 * @param {number} y
 * @param {boolean} isTimeOnly
 */
function zoom(factor, x, y, isTimeOnly = false) {
  const width = clamp(view.width * factor, least.width, columns);
  view.left = x - ((x - view.left) * width) / view.width;
  view.width = width;
  if (!isTimeOnly) {
    const height = clamp(view.height * factor, least.height, rows.length);
    view.top = y - ((y - view.top) * height) / view.height;
    view.height = height;
  }
  redraw();
}

/**
 * Moves the view.
 * @param {number} x
 * @param {number} y
 */
function pan(x, y) {
  view.left += x;
  view.top += y;
  redraw();
}

/**
 * Moves the keyboard's cell and the view with it; at an edge the view stays and the cell goes on.
 * @param {number} x
 * @param {number} y
 */
function step(x, y) {
  view.x = clamp(view.x + x, 0, columns - 1);
  view.y = clamp(view.y + y, 0, rows.length - 1);
  pan(x, y);
}

function showAll() {
  Object.assign(view, { left: 0, top: 0, width: columns, height: rows.length });
  redraw();
}

/** Shares of the time in view, a row of nodes each; only while somebody looks. */
function tabulate() {
  if (!details.open) return;
  const [from, to] = [Math.floor(view.left), Math.min(columns, Math.ceil(view.left + view.width))];
  const head = document.createElement('tr');
  for (const title of ['nodes', ...states.map(({ name }) => name)]) {
    const cell = document.createElement('th');
    cell.scope = 'col';
    cell.textContent = title;
    head.append(cell);
  }
  const caption = document.createElement('caption');
  caption.textContent = `Share of cells from ${moment(from * columnSeconds)} to ${moment(to * columnSeconds)}`;
  table.replaceChildren(caption, head);
  for (let row = Math.floor(view.top); row < Math.min(rows.length, Math.ceil(view.top + view.height)); row += 1) {
    const counts = states.map(() => 0);
    for (const state of cells.subarray(row * columns + from, row * columns + to))
      counts[state] = (counts[state] ?? 0) + 1;
    const line = table.insertRow();
    const name = document.createElement('th');
    name.scope = 'row';
    name.textContent = rows[row]?.label ?? '';
    line.append(name);
    for (const count of counts) line.insertCell().textContent = `${((100 * count) / (to - from)).toFixed(1)} %`;
  }
}

/**
 * Where in the grid an event is.
 * @param {MouseEvent} event
 */
function placeOf(event) {
  const box = canvas.getBoundingClientRect();
  const { width, height } = plot();
  return {
    x: view.left + ((event.clientX - box.left - margin.left) / width) * view.width,
    y: view.top + ((event.clientY - box.top - margin.top) / height) * view.height,
  };
}

function middle() {
  return isKeyboard
    ? { x: view.x + 0.5, y: view.y + 0.5 }
    : { x: view.left + view.width / 2, y: view.top + view.height / 2 };
}

let scrolledAt = -Infinity;
window.addEventListener('scroll', (event) => (scrolledAt = event.timeStamp), { passive: true });
canvas.addEventListener(
  'wheel',
  (event) => {
    const isIn = event.deltaY < 0 || (event.deltaY === 0 && event.deltaX < 0);
    const isWhole = view.width === columns && view.height === rows.length;
    // Whoever scrolls past it goes on scrolling, and so does who has nothing left to zoom out of.
    if (event.timeStamp - scrolledAt < 250 || (isWhole && !isIn)) return;
    event.preventDefault();
    const { x, y } = placeOf(event);
    zoom(isIn ? 0.8 : 1.25, x, y, event.shiftKey);
  },
  { passive: false },
);

/** @type {{x: number, y: number} | null} */
let held = null;
canvas.addEventListener('pointerdown', (event) => {
  held = placeOf(event);
  isKeyboard = false;
  if (canvas.style.touchAction === 'none' || event.pointerType === 'mouse') canvas.setPointerCapture(event.pointerId);
});
canvas.addEventListener('pointermove', (event) => {
  const place = placeOf(event);
  if (held === null) return tell(place.x, place.y);
  view.left += held.x - place.x;
  view.top += held.y - place.y;
  redraw();
});
for (const name of ['pointerup', 'pointercancel']) canvas.addEventListener(name, () => (held = null));

canvas.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const [far, down] = event.shiftKey ? [1, 1] : [Math.max(1, view.width / 10), Math.max(1, view.height / 10)];
  const { x, y } = middle();
  /** @type {Record<string, () => void>} */
  const actions = {
    '+': () => zoom(0.8, x, y),
    '=': () => zoom(0.8, x, y),
    '-': () => zoom(1.25, x, y),
    0: showAll,
    Home: showAll,
    ArrowLeft: () => step(-far, 0),
    ArrowRight: () => step(far, 0),
    ArrowUp: () => step(0, -down),
    ArrowDown: () => step(0, down),
  };
  const action = actions[event.key];
  if (action === undefined) return;
  event.preventDefault();
  if (!isKeyboard) {
    isKeyboard = true;
    [view.x, view.y] = [Math.floor(view.left + view.width / 2), Math.floor(view.top + view.height / 2)];
  }
  action();
  tell(view.x, view.y);
});
canvas.addEventListener('blur', () => {
  isKeyboard = false;
  redraw();
});

/** @type {Record<string, () => void>} */
const BUTTONS = {
  in: () => zoom(0.5, middle().x, middle().y),
  out: () => zoom(2, middle().x, middle().y),
  left: () => pan(-view.width / 4, 0),
  right: () => pan(view.width / 4, 0),
  up: () => pan(0, -view.height / 4),
  down: () => pan(0, view.height / 4),
  all: showAll,
};
document.querySelectorAll('#timeline button').forEach((button) => {
  if (button instanceof HTMLButtonElement)
    button.addEventListener('click', () => BUTTONS[button.dataset['do'] ?? '']?.());
});
details.addEventListener('toggle', tabulate);
matchMedia('(prefers-color-scheme:dark)').addEventListener('change', () => {
  image = imageOf();
  redraw();
});
canvas.style.height = `${clamp(rows.length * 24, 120, 500) + margin.top + margin.bottom}px`;
new ResizeObserver(redraw).observe(canvas);
