import { describe, expect, it } from 'vitest';
import { blockAt, meantChunks } from './actions.ts';
import { chunks } from './chunks.ts';

const at = (code: string, mark: string, language = 'python'): string | null => {
  const found = blockAt(code, code.indexOf(mark), language);
  return found && code.slice(found.from, found.to);
};

describe('a statement of Python', () => {
  const code =
    'import os\n\n@cached\ndef f(x):\n    y = x\n\n    return y\n\nz = [\n  1,\n]\nif z:\n    a\nelse:\n    b\nlast\n';

  it('is its line', () => {
    expect(at(code, 'os')).toBe('import os');
  });
  it('is the whole definition from any of its lines', () => {
    for (const mark of ['@cached', 'def', 'y = x', 'return'])
      expect(at(code, mark)).toBe('@cached\ndef f(x):\n    y = x\n\n    return y');
  });
  it('goes on in brackets and with else', () => {
    expect(at(code, 'z = [')).toBe('z = [\n  1,\n]');
    expect(at(code, 'if z')).toBe('if z:\n    a\nelse:\n    b');
  });
});

describe('a line of a shell', () => {
  it('goes on after a backslash', () => {
    expect(at('ls \\\n  -l\npwd', 'ls', 'bash')).toBe('ls \\\n  -l');
  });
});

it('code alone is run with all chunks, and with those above', () => {
  const all = chunks(
    '```{raw, a}\n```\n```{r, b}\n1\n```\n```{markdown, c}\n```\n```{r, d}\n2\n```\n```{r, e}\n```',
  );
  const meant = (line: number, which: 'this' | 'above' | 'all'): (string | null)[] =>
    meantChunks(all, line, which).map(({ label }) => label);
  expect([meant(0, 'all'), meant(8, 'above'), meant(0, 'this')]).toEqual([['b', 'd', 'e'], ['b'], ['a']]);
});
