import { describe, expect, it } from 'vitest';
import { readLabelledLine } from './labelled-text.ts';

describe('readLabelledLine', () => {
  it.each([
    ['eng\tAll human beings', { label: 'eng', text: 'All human beings' }],
    ['eng\ttwo\tcolumns of text\r', { label: 'eng', text: 'two\tcolumns of text' }],
    ['{"language": "deu", "text": "Alle Menschen"}', { label: 'deu', text: 'Alle Menschen' }],
    ['{"sentence": "모든 사람", "label": "ko", "id": 7}', { label: 'ko', text: '모든 사람' }],
  ])('reads %j', (line, expected) => {
    expect(readLabelledLine(line, 2)).toEqual(expected);
  });

  it('passes over blank lines, and over a first line that names the columns', () => {
    expect(readLabelledLine('  ', 2)).toBe(null);
    expect(readLabelledLine('\uFEFFlabel\ttext\r', 1)).toBe(null);
    expect(readLabelledLine('label\ttext', 2)).toEqual({ label: 'label', text: 'text' });
    expect(readLabelledLine('\uFEFFeng\tAll', 1)).toEqual({ label: 'eng', text: 'All' });
  });

  it.each([
    ['All human beings', 'expected LABEL<TAB>TEXT or a JSON object, got no tab'],
    ['eng\t ', 'the text is empty'],
    ['\tAll', 'the label is empty'],
    ['{"language": "deu", "text": "Alle', 'expected a whole JSON object'],
    ['{"language": 3, "text": "Alle"}', 'expected language or lang or label or code to be a string'],
    ['{"language": "deu"}', 'expected text or sentence to be a string'],
  ])('says what is wrong with %j', (line, bad) => {
    expect(readLabelledLine(line, 3)).toEqual({ bad });
  });
});
