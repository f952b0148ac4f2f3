// Shows the values of a chart where the reader points to it, or steps to with the arrow keys.

/** Within so much of the drawing a value is pointed to. */
const NEAR = 40;

/** @typedef {{x: number, y: number | null, text: string}} Value */

/**
 * Points of the drawing with their words; one a step where the drawing is a series.
 * @param {SVGSVGElement} drawing
 * @returns {Value[]}
 */
function valuesOf(drawing) {
  const { values, texts, span } = drawing.dataset;
  if (values !== undefined) {
    /** @type {[number, number, string][]} */
    const listed = JSON.parse(values);
    return listed.map(([x, y, text]) => ({ x, y, text }));
  }
  /** @type {string[]} */
  const steps = JSON.parse(document.getElementById(texts ?? '')?.textContent ?? '[]');
  const [from = 0, to = 0] = (span ?? '').split(' ').map(Number);
  return steps.map((text, index) => ({ x: from + ((index + 0.5) * (to - from)) / steps.length, y: null, text }));
}

/** @param {SVGSVGElement} drawing */
function showValues(drawing) {
  const figure = drawing.closest('figure');
  const values = valuesOf(drawing);
  if (figure === null || values.length === 0) return;
  const [, , top = 0, ground = 0] = (drawing.dataset['span'] ?? '').split(' ').map(Number);
  const words = document.createElement('div');
  words.className = 'values';
  words.setAttribute('aria-live', 'polite');
  words.hidden = true;
  figure.append(words);
  const cursor = document.createElementNS(drawing.namespaceURI, 'path');
  cursor.setAttribute('class', 'cursor');
  let chosen = -1;

  const hide = () => {
    words.hidden = true;
    cursor.remove();
    chosen = -1;
  };
  /** @param {number} index */
  const show = (index) => {
    const value = values[index];
    if (value === undefined || index === chosen) return;
    chosen = index;
    const { x, y, text } = value;
    // A ring around a point, a line through a step.
    cursor.setAttribute('d', y === null ? `M${x},${top}V${ground}` : `M${x - 8},${y}a8,8 0 1 0 16,0a8,8 0 1 0 -16,0`);
    drawing.append(cursor);
    words.textContent = text;
    words.hidden = false;
    const box = drawing.getBoundingClientRect();
    const frame = figure.getBoundingClientRect();
    const scale = box.width / drawing.viewBox.baseVal.width;
    const atX = box.left - frame.left + x * scale;
    const atY = box.top - frame.top + (y ?? top) * scale;
    const isRight = x * 2 > drawing.viewBox.baseVal.width;
    const left = isRight ? atX - words.offsetWidth - 14 : atX + 14;
    words.style.left = `${Math.max(0, Math.min(left, frame.width - words.offsetWidth))}px`;
    words.style.top = `${Math.max(0, atY - (y === null ? 0 : words.offsetHeight + 12))}px`;
  };
  /** @param {PointerEvent} event */
  const point = (event) => {
    const box = drawing.getBoundingClientRect();
    const scale = box.width / drawing.viewBox.baseVal.width;
    const [x, y] = [(event.clientX - box.left) / scale, (event.clientY - box.top) / scale];
    let best = -1;
    let least = Infinity;
    values.forEach((value, index) => {
      const [across, down] = [Math.abs(value.x - x), value.y === null ? 0 : Math.abs(value.y - y)];
      // Anywhere in a row or column; where two share one, the nearer.
      const distance = drawing.dataset['along'] === 'rows' ? down + across / 100 : across + down / 10;
      if (distance < least) [best, least] = [index, distance];
    });
    if (least <= NEAR) show(best);
    else hide();
  };
  drawing.setAttribute('tabindex', '0');
  drawing.addEventListener('pointermove', point);
  drawing.addEventListener('pointerdown', point);
  drawing.addEventListener('pointerleave', hide);
  drawing.addEventListener('blur', hide);
  drawing.addEventListener('keydown', (event) => {
    const far = event.shiftKey ? 20 : 1;
    const next = { ArrowRight: chosen + far, ArrowLeft: Math.max(0, chosen) - far, Home: 0, End: values.length - 1 }[
      event.key
    ];
    if (event.key === 'Escape') hide();
    if (next === undefined) return;
    event.preventDefault();
    show(Math.max(0, Math.min(next, values.length - 1)));
  });
}

for (const drawing of document.querySelectorAll('svg[data-values], svg[data-texts]')) {
  if (drawing instanceof SVGSVGElement) showValues(drawing);
}
