import { expect, it } from 'vitest';
import type { Component, SavedKernel } from './model.ts';
import { countLost, explainLoss, kernelTitle, summarizeSaved } from './saved-work.ts';

const notebook: SavedKernel = {
  id: 'k1',
  name: 'ir',
  language: 'R',
  path: 'analysis.ipynb',
  objects: 40,
  bytes: 11_000_000,
  lost: [{ name: 'con', class: 'PqConnection', why: 'a connection', failed: false }],
};
const shell: SavedKernel = {
  ...notebook,
  id: 'k2',
  name: 'python3',
  language: 'python',
  path: null,
  objects: 2,
  bytes: 1_000_000,
  lost: [],
};
const saved = { kernels: [notebook, shell], terminals: 0 };
const components: Component[] = [
  { kind: 'kernel', name: 'r', title: 'R', mark: 'R', part: null },
  { kind: 'kernel', name: 'python', title: 'Python', mark: 'Py', part: null },
];

it('what was saved is counted over all kernels', () => {
  expect(summarizeSaved(saved)).toBe('42 variables saved (12 MB)');
  expect(countLost(saved)).toBe(1);
});

it('what was restored is counted the same, without a size', () => {
  const { id, name, language, path, objects, lost } = notebook;
  const restored = { id, name, language, path, objects, lost, reason: null };
  expect(summarizeSaved({ kernels: [restored], terminals: 0, reason: null })).toBe('40 variables saved');
});

it('nothing to save is said so', () => {
  expect(summarizeSaved(null)).toBe('No variables to save');
  expect(summarizeSaved({ kernels: [], terminals: 0 })).toBe('No variables to save');
});

it('a kernel is called by its notebook, or by the title of its language', () => {
  expect(kernelTitle(notebook, components)).toEqual({ title: 'analysis.ipynb', language: 'R' });
  expect(kernelTitle(shell, components)).toEqual({ title: 'Python console', language: 'Python' });
});

it('a language whose environment is gone is called as the kernel says', () => {
  expect(kernelTitle(shell, []).title).toBe('python console');
  expect(kernelTitle({ ...shell, language: '' }, []).language).toBe('python3');
});

it('a reason is a sentence', () => {
  expect(explainLoss({ name: 'con', class: '', why: 'a connection can’t be saved', failed: false })).toBe(
    'A connection can’t be saved.',
  );
  expect(explainLoss({ name: 'con', class: '', why: '', failed: false })).toBe('It could not be saved.');
});
