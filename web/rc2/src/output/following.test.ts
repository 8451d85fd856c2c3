import { describe, expect, it } from 'vitest';
import { anchorAt } from './following.ts';

const DOCUMENT = `---
title: A
---

# The *first* part, \`x\` & more

Text

# 2. Überblick

## Results {#own .unnumbered}

\`\`\`{r}
# no heading
\`\`\`

## Results

## Results

## [Link](https://example.org) to
`;
const at = (words: string): number => DOCUMENT.split('\n').findIndex((line) => line.includes(words));

describe('the anchor of a line', () => {
  it('is that of the heading above, as pandoc names it', () => {
    expect(anchorAt('a.Rmd', DOCUMENT, at('title'))).toBe('');
    expect(anchorAt('a.Rmd', DOCUMENT, at('Text'))).toBe('the-first-part-x-more');
    expect(anchorAt('a.qmd', DOCUMENT, at('Überblick'))).toBe('überblick');
    expect(anchorAt('a.md', DOCUMENT, at('no heading'))).toBe('own');
    expect(anchorAt('a.Rmd', DOCUMENT, at('Link') - 1)).toBe('results-1');
    expect(anchorAt('a.Rmd', DOCUMENT, at('Link'))).toBe('link-to');
  });

  it('is as nbconvert names it, in the page of a notebook', () => {
    const text = '<!-- cell a -->\n# The *first* part\n\n<!-- cell b -->\nText\n';
    expect(anchorAt('a.ipynb', text, 4)).toBe('The-first-part');
  });
});
