import { expect, it } from 'vitest';
import { fileName, readLink, sourceText } from './start-link.ts';

it('a link says what it starts, brings and opens', () => {
  const query = new URLSearchParams(
    'environment=rspark&from=https%3A//git.example/labs&branch=main&folder=week1&open=labs/lab%201.Rmd&option=size%3Dlarge&option=note%3Da%3Db&option=odd',
  );
  expect(readLink(query)).toEqual({
    environment: 'rspark',
    source: 'https://git.example/labs',
    branch: 'main',
    folder: 'week1',
    document: 'labs/lab 1.Rmd',
    options: { size: 'large', note: 'a=b' },
  });
});

it.each(['', 'environment=rspark', 'from=tutorial', 'environment=&from=tutorial'])(
  '%s is not complete',
  (query) => {
    expect(readLink(new URLSearchParams(query))).toBeNull();
  },
);

it('a source is said without its protocol', () => {
  expect(sourceText('https://github.com/our/labs.git')).toBe('github.com/our/labs');
  expect(sourceText('tutorial')).toBe('the template tutorial');
  expect(fileName('a/b/lab1.Rmd')).toBe('lab1.Rmd');
});
