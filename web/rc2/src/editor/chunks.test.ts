import { describe, expect, it } from 'vitest';
import { chunkAt, chunks, outline } from './chunks.ts';

const text = `---
title: a
---

# One {#one}

\`\`\`{r, setup, echo = FALSE}
x <- 1
\`\`\`

\`\`\`r
not run
# not a heading
\`\`\`

## Two

\`\`\`\`{python}
#| label: second
print("\`\`\`")
\`\`\`\`
`;

describe('chunks', () => {
  const all = chunks(text);

  it('are those in braces', () => {
    expect(all.map(({ language, label, code }) => [language, label, code])).toEqual([
      ['r', 'setup', 'x <- 1'],
      ['python', 'second', '#| label: second\nprint("```")'],
    ]);
  });
  it('are found by any of their lines', () => {
    expect(chunkAt(all, 6)).toBe(all[0]);
    expect(chunkAt(all, 8)).toBe(all[0]);
    expect(chunkAt(all, 9)).toBeNull();
  });
  it('may lack their end', () => {
    expect(chunks('```{r}\nx')[0]).toMatchObject({ code: 'x', end: 1 });
  });
  it('have a label by `label =` too', () => {
    expect(chunks('```{r fig.width=3, label="b"}\n```')[0]?.label).toBe('b');
  });
});

describe('an outline', () => {
  it('has headings and chunks of a document', () => {
    expect(outline('a.Rmd', text).map((one) => one.text)).toEqual(['One', 'setup', 'Two', 'second']);
  });
  it('has the first lines of a notebook’s cells, whose labels are ids', () => {
    expect(
      outline('a.ipynb', '<!-- cell m -->\n# One\n```{r, 1f}\n\nx <- 1\ny\n```\n```{r, 2f}\n```\n').map(
        (one) => one.text,
      ),
    ).toEqual(['One', 'x <- 1', 'r chunk 2']);
  });
  it('has sections and functions of a script', () => {
    expect(
      outline('a.R', '# Load ----\nx <- 1\nf <- function(x) x\n`a b` <- \\(x) x\n').map((one) => one.text),
    ).toEqual(['Load', 'f', '`a b`']);
  });
});

it('a line is read in the time of its length', () => {
  const begun = performance.now();
  const many = ' '.repeat(100_000);
  for (const line of [`\`\`\`{r${many}`, `\`\`\`{r${many}} x`, `\`\`\`{${'a'.repeat(100_000)}`])
    expect(chunks(line)).toEqual([]);
  expect(performance.now() - begun).toBeLessThan(20_000);
  expect(chunks('``` {R , a, x=1 } \n```')).toMatchObject([
    { language: 'r', label: 'a', options: 'a, x=1 ' },
  ]);
});
