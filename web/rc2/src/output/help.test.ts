import { describe, expect, it } from 'vitest';
import { helpLink } from './help.ts';

describe('links of help pages', () => {
  it.each([
    ['../../base/help/weighted.mean', { topic: 'weighted.mean', package: 'base' }],
    ['../../base/help/time%20interval', { topic: 'time interval', package: 'base' }],
    ['../../base/help/%25in%25', { topic: '%in%', package: 'base' }],
    ['../../dplyr/html/mutate.html', { topic: 'mutate', package: 'dplyr' }],
    ['../../../library/stats/html/lm.html#details', { topic: 'lm', package: 'stats' }],
    ['lm.html', { topic: 'lm', package: 'stats' }],
    ['00Index.html', { package: 'stats' }],
    ['../../dplyr/html/00Index.html', { package: 'dplyr' }],
    ['../doc/programming.html', { vignette: 'programming', package: 'stats' }],
    ['../../dplyr/doc/two-table.html', { vignette: 'two-table', package: 'dplyr' }],
    ['../doc/index.html', { package: 'stats' }],
  ])('%s', (href, wanted) => {
    expect(helpLink(href, 'stats')).toEqual({ kind: 'help', wanted });
  });

  it('run examples', () => {
    expect(helpLink('../Example/mean', 'base')).toEqual({ kind: 'examples', topic: 'mean', package: 'base' });
  });

  it.each([
    'https://www.r-project.org/',
    'mailto:ada@class.example',
    'javascript:alert(1)',
    '',
    '../DESCRIPTION/x/y',
  ])('%s leads out of help', (href) => {
    expect(helpLink(href, 'base')).toBeNull();
  });
});
