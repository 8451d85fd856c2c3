import { expect, it } from 'vitest';
import { firstRunnable } from './first-document.ts';

const ALL = ['notes.txt', 'a.py', 'b.R', 'c.qmd', 'd.Rmd'];

it.each([
  [ALL, ['r', 'python', 'bash'], 'c.qmd'],
  [['a.py', 'b.R'], ['r', 'python'], 'b.R'],
  [ALL, ['python'], 'c.qmd'],
  [['a.py', 'b.R', 'd.Rmd'], ['python'], 'a.py'],
  [['b.R', 'd.Rmd'], ['python'], undefined],
  [ALL, ['bash'], undefined],
  [[], ['r'], undefined],
])('of %j a session of %j opens %s', (names, languages, found) => {
  expect(firstRunnable(names, languages)).toBe(found);
});
