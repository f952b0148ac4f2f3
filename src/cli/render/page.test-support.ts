/** Elements whose text is not markup: styles, scripts and data. */
const INLINE = /<(style|script)([^>]*)>.*?<\/\1>/gs;
const VOID = new Set(['meta', 'br']);

/** Names of all elements; throws where one is left open, closed twice, or an attribute is not quoted. */
export function elementsOf(page: string): string[] {
  const open: string[] = [];
  const names: string[] = [];
  const body = page.replace('<!doctype html>', '').replaceAll(INLINE, '<$1$2></$1>');
  const tag = /<(?<end>\/?)(?<name>[a-z][a-z0-9]*)(?<attributes>(?: [a-zA-Z][\w-]*="[^"<>]*")*)(?<empty>\/?)>/y;
  for (let at = body.indexOf('<'); at !== -1; at = body.indexOf('<', at)) {
    tag.lastIndex = at;
    const groups = tag.exec(body)?.groups;
    if (groups === undefined) throw new Error(`no tag: ${body.slice(at, at + 80)}`);
    at = tag.lastIndex;
    const { end, name = '', empty } = groups;
    names.push(name);
    if (end === '/') {
      if (open.pop() !== name) throw new Error(`</${name}> closes what is not open`);
    } else if (empty === '' && !VOID.has(name)) open.push(name);
  }
  if (open.length > 0) throw new Error(`left open: ${open.join(' ')}`);
  return names;
}

/** Text without tags, entities resolved. */
export function textOf(page: string): string {
  return page
    .replaceAll(INLINE, '')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
    .replaceAll(/\s+/g, ' ');
}

/** Of two colours #rrggbb, WCAG 2.1. */
export function contrast(a: string, b: string): number {
  const luminance = (colour: string) => {
    const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
      const channel = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
      return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [light, dark] = [luminance(a), luminance(b)].toSorted((x, y) => y - x);
  return ((light ?? 0) + 0.05) / ((dark ?? 0) + 0.05);
}

/** From the heading of a section to the next. */
export function sectionOf(page: string, id: string): string {
  const from = page.indexOf(`<section id="${id}"`);
  return page.slice(from, page.indexOf('</section>', from));
}

/** Without scripts and data. */
export function markupOf(page: string): string {
  return page.replaceAll(/<script[^>]*>.*?<\/script>/gs, '');
}

/** What of a page could make a browser fetch something, or run what is not in its scripts. */
export function loadedBy(page: string): string[] {
  const elements = ['link', 'img', 'iframe', 'image', 'use', 'object', 'base', 'form'];
  const found = elementsOf(page).filter((name) => elements.includes(name));
  const pattern = /\b(?:src|srcset|on[a-z]+)=|href="[^#]|url\(|@import|https?:|\bimport\b.*from/g;
  const policy = page.includes("default-src 'none'") ? [] : ['no content policy'];
  return [...found, ...[...page.matchAll(pattern)].map(([text]) => text), ...policy];
}

/** Values that were not there and got into the text all the same. */
export function slipsOf(page: string): string[] {
  return [...markupOf(page).matchAll(/NaN|Infinity|undefined|\bnull\b|\[object/g)].map(([text]) => text);
}

/** Coordinates of the marks in the charts of a page, those that lie outside of their chart by name. */
export function marksOf(page: string): { count: number; outside: string[] } {
  let count = 0;
  const outside: string[] = [];
  for (const [, wide, tall, chart = ''] of page.matchAll(/<svg viewBox="0 0 (\d+) (\d+)" role(.*?)<\/svg>/gs)) {
    const id = /aria-labelledby="(\S+)-title/.exec(chart)?.[1] ?? '';
    for (const [, axis = '', text] of chart.matchAll(/ (?:c)?(x|y)[12]?="(-?[\d.]+|NaN)"/g)) {
      const value = Number(text);
      count += 1;
      if (!(value >= 0 && value <= Number(axis === 'x' ? wide : tall))) outside.push(`${id}: ${axis} ${value}`);
    }
  }
  return { count, outside };
}
