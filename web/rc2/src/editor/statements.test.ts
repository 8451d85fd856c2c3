import { describe, expect, it } from 'vitest';
import { isIncomplete, statementAt, statements } from './statements.ts';

const texts = (code: string): string[] => statements(code).map(({ from, to }) => code.slice(from, to));

describe('statements of R', () => {
  it.each<[string, string[]]>([
    ['a\nb', ['a', 'b']],
    ['a; b', ['a', 'b']],
    ['x <- 1\n-2', ['x <- 1', '-2']],
    ['x <-\n  1', ['x <-\n  1']],
    ['x +\n# why\ny', ['x +\n# why\ny']],
    ['df |>\n  head() |>\n  print()', ['df |>\n  head() |>\n  print()']],
    ['f\n(x)', ['f', '(x)']],
    ['f(a,\n\n  b)', ['f(a,\n\n  b)']],
    ['if (a) {\n  b\n} else {\n  c\n}\nd', ['if (a) {\n  b\n} else {\n  c\n}', 'd']],
    ['if (a)\n  b\nc', ['if (a)\n  b', 'c']],
    ['f <- function(x)\n  x + 1\ng', ['f <- function(x)\n  x + 1', 'g']],
    ['g <- \\(x) x\nh', ['g <- \\(x) x', 'h']],
    ['r"---(a)\n)---"\nb', ['r"---(a)\n)---"', 'b']],
    ['"a\n\\"b"\nc', ['"a\n\\"b"', 'c']],
    ['`a b` <- 1\nc', ['`a b` <- 1', 'c']],
    ['y ~ x\n!z', ['y ~ x', '!z']],
    ['a %in%\nb', ['a %in%\nb']],
    ['1e-5L\n0x1F', ['1e-5L', '0x1F']],
    ['x[[1]]$a@b(2)\ny', ['x[[1]]$a@b(2)', 'y']],
    ['for (i in 1:3)\n  print(i)\nx', ['for (i in 1:3)\n  print(i)', 'x']],
    ['# a comment\n\na # (', ['a']],
  ])('%j', (code, expected) => {
    expect(texts(code)).toEqual(expected);
  });

  it('that are half written end with their line', () => {
    expect(texts('a b c\nd')).toEqual(['a b c', 'd']);
    expect(texts(') x\ny')).toEqual([') x', 'y']);
  });
});

describe('the statement at the cursor', () => {
  const code = 'f <- function(x) {\n  y <- x^2\n  y\n}\n\na <- f(\n  2\n)\n';
  const at = (text: string): string | null => {
    const found = statementAt(code, code.indexOf(text));
    return found && code.slice(found.from, found.to);
  };

  it('is the whole on its first line', () => {
    expect(at('function')).toContain('y <- x^2');
  });
  it('is what stands there within braces', () => {
    expect(at('x^2')).toBe('y <- x^2');
  });
  it('is the whole where brackets go on', () => {
    expect(at('2\n)')).toBe('a <- f(\n  2\n)');
  });
  it('is the next one between two', () => {
    const found = statementAt(code, code.indexOf('\n\na') + 1);
    expect(found && code.slice(found.from, found.to)).toBe('a <- f(\n  2\n)');
  });
  it('is none after the last', () => {
    expect(statementAt('a\n\n', 3)).toBeNull();
  });
});

describe('code that R would ask more of', () => {
  it.each(['f(', 'x <-', 'if (a)', 'function(x)', '{', 'a +', '"abc', "'", 'r"(abc', 'x |>'])(
    '%j',
    (code) => {
      expect(isIncomplete(code)).toBe(true);
    },
  );
  it.each(['f()', 'x', 'a; b', '"a"', '{}', 'r"(a)"', ')', '# (', ''])('not %j', (code) => {
    expect(isIncomplete(code)).toBe(false);
  });
});
