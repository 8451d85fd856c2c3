import { history, undo } from '@codemirror/commands';
import { EditorState } from '@codemirror/state';
import { describe, expect, it } from 'vitest';
import { changed } from './changes.ts';
import {
  codeCells,
  guessedLanguage,
  isJson,
  isNotebook,
  namings,
  renamings,
  unrecorded,
} from './notebook.ts';

const TEXT = `<!-- cell m1 -->
# Title

\`\`\`{python, c1}
x = 1
<!-- cell -->
\`\`\`

\`\`\`\`{raw, r1}
\`\`\`{python}
\`\`\`\`

<!-- cell m2 -->
\`\`\`{bash}
ls
\`\`\`
`;

const named = (text: string): string => {
  let number = 0;
  return changed(
    text,
    namings(text, 'python', () => `n${(number += 1)}`),
  );
};

describe('the cells of a notebook', () => {
  it('keep their names', () => expect(named(TEXT)).toBe(TEXT));
  it('get names where they have none, each its own', () => {
    expect(named('new\n\n```{python}\n1\n```\n```{python echo=FALSE}\n2\n```\n')).toBe(
      '<!-- cell n1 -->\nnew\n\n```{python, n2}\n1\n```\n```{python, n3, echo=FALSE}\n2\n```\n',
    );
    expect(named('```{python, a}\n```\n```{python, a}\n```\ntext\n<!-- cell -->\n<!-- cell a -->\n')).toBe(
      '```{python, a}\n```\n```{python, n1}\n```\n<!-- cell n2 -->\ntext\n<!-- cell n3 -->\n<!-- cell n4 -->\n',
    );
    expect(named('```{python, no.name}\n```')).toBe('```{python, n1, no.name}\n```');
    expect(named('```{python,}\n```')).toBe('```{python, n1}\n```');
  });
  it('of another language are text', () => {
    expect(named('```{bash}\nls\n```\n')).toBe('<!-- cell n1 -->\n```{bash}\nls\n```\n');
    expect(codeCells(TEXT, 'python').map(({ label }) => label)).toEqual(['c1']);
  });
  it('have a chunk without an end as their last', () => {
    expect(named('```{python}\n1\ntext')).toBe('```{python, n1}\n1\ntext');
  });
  it('get the names that the file gives them', () => {
    expect(changed(TEXT, renamings(TEXT, 'python', { c1: 'long-one', m2: 'x', other: 'y' }))).toBe(
      TEXT.replace('c1', 'long-one').replace('m2', 'x'),
    );
  });
});

it('a notebook is known by its ending, and its language by its first chunk', () => {
  expect(['a.ipynb', 'b/A.IPYNB', 'a.ipynb.txt'].map(isNotebook)).toEqual([true, true, false]);
  expect([TEXT, '```{raw, a}\n```\n```{r, b}\n```', ''].map(guessedLanguage)).toEqual([
    'python',
    'r',
    'python',
  ]);
});

it('the names of cells are not taken back by an undo', () => {
  let state = EditorState.create({ doc: '```{r}\n1\n```\n', extensions: [history()] });
  state = state.update({ changes: { from: 7, insert: '2' }, userEvent: 'input.type' }).state;
  state = state.update(unrecorded(namings(state.doc.toString(), 'r', () => 'a'))).state;
  undo({ state, dispatch: (transaction) => (state = transaction.state) });
  expect(state.doc.toString()).toBe('```{r, a}\n1\n```\n');
});

it('the JSON of a notebook is known', () => {
  expect(['{"cells": []}', '{"a": 1}', '[]', '{', TEXT].map(isJson)).toEqual([
    true,
    false,
    false,
    false,
    false,
  ]);
});
