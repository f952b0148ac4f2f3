// Draws the node timeline: once into an image of one pixel a cell, and from there into view at any scale.

import { canvas, cells, columns, columnSeconds, rows, states, unitOf } from './timeline-grid.js';
import { margin, plot, view } from './timeline-view.js';

let image = imageOf();

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

/** Again in the colours of another theme, or of paper. */
export function repaint() {
  image = imageOf();
  draw();
}

export function draw() {
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
  if (view.isKeyboard) drawCursor(context, width / view.width, height / view.height);
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
