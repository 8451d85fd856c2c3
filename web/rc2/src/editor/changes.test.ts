import { describe, expect, it } from 'vitest';
import { changed, changesOf, inverse } from './changes.ts';

const text = 'one two\n\n😀 one\none';
const edits = [
  { line: 1, column: 0, length: 3, new: 'a' },
  { line: 3, column: 3, length: 3, new: 'longer' },
  { line: 4, column: 0, length: 3, new: '' },
];

describe('changes of a text', () => {
  it('are where the lines and columns of the edits are', () => {
    const changes = changesOf(text, edits) ?? [];
    expect(changed(text, changes)).toBe('a two\n\n😀 longer\n');
  });

  it('are undone by their inverse', () => {
    const changes = changesOf(text, edits) ?? [];
    expect(changed(changed(text, changes), inverse(text, changes))).toBe(text);
  });

  it('are none where the text has no such place', () => {
    expect(changesOf('one', [{ line: 2, column: 0, length: 1, new: '' }])).toBeNull();
    expect(changesOf('one', [{ line: 1, column: 2, length: 3, new: '' }])).toBeNull();
  });
});
