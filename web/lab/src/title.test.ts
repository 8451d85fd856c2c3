import { expect, test } from 'vitest';
import { titled } from './title.ts';

test('the name stands at the end of the title', () => {
  expect(titled('JupyterLab', 'Thesis', null)).toBe('JupyterLab – Thesis');
});

test('a session that was renamed has its new name alone', () => {
  expect(titled('a.ipynb - JupyterLab – Thesis', 'Book', 'Thesis')).toBe('a.ipynb - JupyterLab – Book');
});
