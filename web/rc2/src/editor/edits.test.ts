import { Text } from '@codemirror/state';
import { describe, expect, it } from 'vitest';
import { applied, difference } from './edits.ts';

const at = (line: number, character: number): { line: number; character: number } => ({ line, character });
const text = Text.of(['one', '😀 two', '']);

describe('edits of a language server', () => {
  it('are applied in the order of their places, all to the text as it was', () => {
    const edits = [
      { range: { start: at(1, 3), end: at(1, 6) }, newText: '2' },
      { range: { start: at(0, 0), end: at(0, 3) }, newText: 'eins' },
    ];
    expect(applied(text, edits)).toBe('eins\n😀 2\n');
  });

  it('may end beyond a line and beyond the text', () => {
    expect(applied(text, [{ range: { start: at(0, 0), end: at(9, 0) }, newText: 'new\n' }])).toBe('new\n');
    expect(applied(text, [{ range: { start: at(0, 1), end: at(0, 99) }, newText: '' }])).toBe('o\n😀 two\n');
  });

  it('of nothing change nothing', () => {
    expect(applied(text, [])).toBe('one\n😀 two\n');
  });
});

describe('the difference of two texts', () => {
  it('leaves what both begin and end with', () => {
    expect(difference('x<-1\ny\n', 'x <- 1\ny\n')).toEqual({ from: 1, to: 3, insert: ' <- ' });
    expect(difference('aa', 'aaa')).toEqual({ from: 2, to: 2, insert: 'a' });
    expect(difference('aaa', 'aa')).toEqual({ from: 2, to: 3, insert: '' });
  });

  it('is none where they are one', () => {
    expect(difference('a', 'a')).toBeNull();
  });
});
