// The node timeline: nodes downwards, time to the right; wheel, pointer, keys and buttons move what is in view.

import { draw, repaint } from './timeline-drawing.js';
import { canvas, rows } from './timeline-grid.js';
import { clamp, isWhole, margin, middle, pan, placeOf, showAll, step, view, zoom } from './timeline-view.js';
import { details, tabulate, tell } from './timeline-words.js';

let frame = 0;
let settling = 0;

/** Once for all changes until the next frame. */
function redraw() {
  // A finger scrolls the page until there is something to move.
  canvas.style.touchAction = isWhole() ? 'pan-y' : 'none';
  for (const button of document.querySelectorAll('#timeline button')) {
    if (button instanceof HTMLButtonElement && button.dataset['do'] !== 'in') button.disabled = isWhole();
  }
  cancelAnimationFrame(frame);
  frame = requestAnimationFrame(draw);
  clearTimeout(settling);
  settling = setTimeout(tabulate, 200);
}

let scrolledAt = -Infinity;
window.addEventListener('scroll', (event) => (scrolledAt = event.timeStamp), { passive: true });
canvas.addEventListener(
  'wheel',
  (event) => {
    const isIn = event.deltaY < 0 || (event.deltaY === 0 && event.deltaX < 0);
    // Whoever scrolls past it goes on scrolling, and so does who has nothing left to zoom out of.
    if (event.timeStamp - scrolledAt < 250 || (isWhole() && !isIn)) return;
    event.preventDefault();
    const { x, y } = placeOf(event);
    view.isKeyboard = false;
    zoom(isIn ? 0.8 : 1.25, x, y, event.shiftKey);
    redraw();
  },
  { passive: false },
);

/** @type {{x: number, y: number} | null} */
let held = null;
canvas.addEventListener('pointerdown', (event) => {
  held = placeOf(event);
  tell(held.x, held.y);
  view.isKeyboard = false;
  if (canvas.style.touchAction === 'none' || event.pointerType === 'mouse') canvas.setPointerCapture(event.pointerId);
});
canvas.addEventListener('pointermove', (event) => {
  const place = placeOf(event);
  if (held === null) return tell(place.x, place.y);
  pan(held.x - place.x, held.y - place.y);
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
  if (!view.isKeyboard) Object.assign(view, { x: Math.floor(x), y: Math.floor(y), isKeyboard: true });
  action();
  redraw();
  tell(view.x, view.y);
});
canvas.addEventListener('blur', () => {
  view.isKeyboard = false;
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
  button.addEventListener('click', () => {
    BUTTONS[button instanceof HTMLButtonElement ? (button.dataset['do'] ?? '') : '']?.();
    redraw();
  });
});
details.addEventListener('toggle', tabulate);
for (const query of ['(prefers-color-scheme:dark)', 'print']) matchMedia(query).addEventListener('change', repaint);
canvas.style.height = `${clamp(rows.length * 24, 120, 500) + margin.top + margin.bottom}px`;
new ResizeObserver(redraw).observe(canvas);
