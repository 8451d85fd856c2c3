import { EditorState } from '@codemirror/state';
import { describe, expect, it } from 'vitest';
import { codeAt } from './code-at.ts';

const TEXT = 'A title\n\n```{r}\nx <- 1\n```\n\n```{python}\ny = 1\n```\n\n```{r}\n\nx + 1\n```\n';
const at = (line: number): EditorState =>
  EditorState.create({
    doc: TEXT,
    selection: { anchor: TEXT.split('\n').slice(0, line).join('\n').length + 1 },
  });

describe('the code at the cursor', () => {
  it('is that of all chunks of its language, line by line', () => {
    const found = codeAt(at(3), 'a.Rmd');
    expect(found?.language).toBe('r');
    expect(found?.text.split('\n')).toEqual(
      [...TEXT.split('\n')].map((line) => (line.startsWith('x') ? line : '')),
    );
    expect(codeAt(at(7), 'a.Rmd')?.text.trim()).toBe('y = 1');
  });

  it('is none in prose, and all of a script', () => {
    expect(codeAt(at(1), 'a.Rmd')).toBeNull();
    expect(codeAt(EditorState.create({ doc: 'x = 1' }), 'a.py')).toEqual({
      language: 'python',
      text: 'x = 1',
    });
  });
});
