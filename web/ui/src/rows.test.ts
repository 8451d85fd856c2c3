import { expect, it } from 'vitest';
import { inView, pressed, sorted } from './rows.ts';

it('numbers are sorted as numbers', () => {
  expect(sorted([10, 9, 100], (row) => row, 'ascending')).toEqual([9, 10, 100]);
});

it('words are sorted as people do: numbers inside them too, and without regard to case', () => {
  expect(sorted(['b2', 'B10', 'a'], (row) => row, 'ascending')).toEqual(['a', 'b2', 'B10']);
});

it('empty cells come last in either direction', () => {
  expect(sorted([null, 2, 1], (row) => row, 'ascending')).toEqual([1, 2, null]);
  expect(sorted([null, 2, 1], (row) => row, 'descending')).toEqual([2, 1, null]);
});

it('equal rows keep their order', () => {
  const rows = [
    { name: 'x', at: 1 },
    { name: 'y', at: 1 },
  ];
  expect(sorted(rows, (row) => row.at, 'descending').map((row) => row.name)).toEqual(['x', 'y']);
});

it('only rows in view are drawn, and a few to spare', () => {
  expect(inView(1000, 36, 3600, 360)).toEqual({ from: 92, to: 119 });
});

it('the view never leaves the rows', () => {
  expect(inView(1000, 36, 0, 360).from).toBe(0);
  expect(inView(1000, 36, 36_000, 360).to).toBe(1000);
  expect(inView(3, 36, 0, 360)).toEqual({ from: 0, to: 3 });
});

it('rows that became fewer than what was scrolled past still fill the view', () => {
  expect(inView(20, 36, 3600, 360)).toEqual({ from: 9, to: 20 });
});

it('a second press on a head turns the order round', () => {
  const once = pressed(null, 'name', 'ascending');
  expect(once).toEqual({ key: 'name', direction: 'ascending' });
  expect(pressed(once, 'name', 'ascending').direction).toBe('descending');
  expect(pressed(once, 'memory', 'descending')).toEqual({ key: 'memory', direction: 'descending' });
});
