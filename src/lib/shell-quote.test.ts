import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { shellCommand, shellQuote } from './shell-quote.ts';

describe('words for a shell', () => {
  it('quotes what a shell would take for more than a word', () => {
    expect(['plain-1.sh', "it's", '$(x)', '', 'a b', '*'].map(shellQuote)).toEqual([
      'plain-1.sh',
      "'it'\\''s'",
      "'$(x)'",
      "''",
      "'a b'",
      "'*'",
    ]);
  });

  it('comes out of a real shell as it went in', () => {
    const words = ["it's", '$(id) `id` ${HOME}', '', 'a  b\n c', '*', '"x" \\ ! #', '~', 'naïve', '--flag=a;b'];
    const printed = execFileSync('/bin/sh', ['-c', shellCommand(['printf', '%s\\0', ...words])], { encoding: 'utf8' });
    expect(printed.split('\0').slice(0, -1)).toEqual(words);
  });
});
