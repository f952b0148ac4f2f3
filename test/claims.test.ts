import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { claimsPage, korean } from '../scripts/claims-page.ts';

describe('docs/claims.md', () => {
  it('is what npm run claims writes', async () => {
    const committed = readFileSync(new URL('../docs/claims.md', import.meta.url), 'utf8');
    expect(await claimsPage(), 'the page is out of date: npm run claims').toBe(committed);
  }, 180_000);

  it.each([
    [14e15, '1경 4,000조'],
    [1.4e15, '1,400조'],
    [1_234_567_890, '12억 3,456만 7,890'],
  ])('counts %d in myriads', (value, words) => {
    expect(korean(value)).toBe(words);
  });
});
