import { describe, expect, it } from 'vitest';
import { blockAt } from './actions.ts';

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
