// What of the node timeline is in view.

import { canvas, columns, rows } from './timeline-grid.js';

/** Of the canvas, in CSS pixels. */
export const margin = { left: 96, top: 4, right: 16, bottom: 40 };
/** What is in view: columns and rows from `left` and `top`. `x` and `y` are the cell that the keyboard is at, while it is in use. */
export const view = { left: 0, top: 0, width: columns, height: rows.length, x: 0, y: 0, isKeyboard: false };
const least = { width: Math.min(columns, 8), height: Math.min(rows.length, 4) };

/**
 * @param {number} value
 * @param {number} low
 * @param {number} high
 */
export function clamp(value, low, high) {
  return Math.max(low, Math.min(value, high));
}

/** All of it is in view. */
export function isWhole() {
  return view.width === columns && view.height === rows.length;
}

/** Keeps the view on the grid. */
function bind() {
  view.left = clamp(view.left, 0, columns - view.width);
  view.top = clamp(view.top, 0, rows.length - view.height);
}

export function showAll() {
  Object.assign(view, { left: 0, top: 0, width: columns, height: rows.length });
}

/**
 * Zooms by a factor around a cell.
 * @param {number} factor
 * @param {number} x
 * @param {number} y
 * @param {boolean} isTimeOnly
 */
export function zoom(factor, x, y, isTimeOnly = false) {
  const width = clamp(view.width * factor, least.width, columns);
  view.left = x - ((x - view.left) * width) / view.width;
  view.width = width;
  if (!isTimeOnly) {
    const height = clamp(view.height * factor, least.height, rows.length);
    view.top = y - ((y - view.top) * height) / view.height;
    view.height = height;
  }
  bind();
}

/**
 * Moves the view.
 * @param {number} x
 * @param {number} y
 */
export function pan(x, y) {
  view.left += x;
  view.top += y;
  bind();
}

/**
 * Moves the keyboard's cell and the view with it; at an edge the view stays and the cell goes on.
 * @param {number} x
 * @param {number} y
 */
export function step(x, y) {
  view.x = clamp(view.x + x, 0, columns - 1);
  view.y = clamp(view.y + y, 0, rows.length - 1);
  pan(x, y);
}

/** Width and height of what is drawn into, in CSS pixels. */
export function plot() {
  const width = canvas.clientWidth - margin.left - margin.right;
  return { width, height: canvas.clientHeight - margin.top - margin.bottom };
}

/**
 * Where in the grid an event is.
 * @param {MouseEvent} event
 */
export function placeOf(event) {
  const box = canvas.getBoundingClientRect();
  const { width, height } = plot();
  return {
    x: view.left + ((event.clientX - box.left - margin.left) / width) * view.width,
    y: view.top + ((event.clientY - box.top - margin.top) / height) * view.height,
  };
}

/** The cell around which a key or a button zooms. */
export function middle() {
  return view.isKeyboard
    ? { x: view.x + 0.5, y: view.y + 0.5 }
    : { x: view.left + view.width / 2, y: view.top + view.height / 2 };
}
