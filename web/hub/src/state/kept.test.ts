import { expect, it } from 'vitest';
import { kernelTitle, lostCount, savedSentence, why } from './kept.ts';

const saved = {
  kernels: [
    {
      language: 'R',
      path: 'analysis.ipynb',
      objects: 40,
      bytes: 11_000_000,
      lost: [{ name: 'con', class: 'PqConnection', why: 'a connection' }],
    },
    { language: 'python', path: null, objects: 2, bytes: 1_000_000 },
  ],
};

it('what was saved is counted over all kernels', () => {
  expect(savedSentence(saved)).toBe('42 variables saved (12 MB)');
  expect(lostCount(saved)).toBe(1);
});

it('nothing to save is said so', () => {
  expect(savedSentence(null)).toBe('No variables to save');
  expect(savedSentence({})).toBe('No variables to save');
});

it('a kernel is called by its notebook, or by its language', () => {
  expect(kernelTitle(saved.kernels[0] ?? {})).toEqual({ title: 'analysis.ipynb', language: 'R' });
  expect(kernelTitle(saved.kernels[1] ?? {})).toEqual({ title: 'Python console', language: 'Python' });
});

it('a reason is a sentence', () => {
  expect(why({ name: 'con', why: 'a connection can’t be saved' })).toBe('A connection can’t be saved.');
  expect(why({ name: 'con', why: '' })).toBe('It could not be saved.');
});
