import { describe, expect, it } from 'vitest';
import { nextOrder, sortRows, type Cell, type Column, type Direction } from './column.ts';

interface Row {
  name: string;
  n: Cell;
}
const name: Column<Row> = { key: 'name', title: 'Name', sort: (row) => row.name };
const n: Column<Row> = { key: 'n', title: 'N', sort: (row) => row.n, first: 'descending' };
const columns: Column<Row>[] = [name, n, { key: 'do', title: 'Actions' }];
const rows: Row[] = [
  { name: 'lab 10', n: 2 },
  { name: 'Lab 9', n: null },
  { name: 'lab 1', n: 10 },
  { name: 'lab 2', n: 2 },
];

function names(key: string, direction: Direction): string[] {
  return sortRows(rows, columns, { key, direction }).map(({ name }) => name);
}

describe('sortRows', () => {
  it('sorts words by the numbers in them, and without regard to case', () => {
    expect(names('name', 'ascending')).toEqual(['lab 1', 'lab 2', 'Lab 9', 'lab 10']);
  });
  it('puts an empty cell last in either direction, and leaves equal rows as they came', () => {
    expect(names('n', 'ascending')).toEqual(['lab 10', 'lab 2', 'lab 1', 'Lab 9']);
    expect(names('n', 'descending')).toEqual(['lab 1', 'lab 10', 'lab 2', 'Lab 9']);
  });
  it('leaves rows as they came without an order, or by a column that has none', () => {
    expect(sortRows(rows, columns, null)).toBe(rows);
    expect(sortRows(rows, columns, { key: 'do', direction: 'ascending' })).toBe(rows);
  });
});

describe('nextOrder', () => {
  it('begins with the first direction of a column, and turns it round', () => {
    const byN = nextOrder(n, { key: 'name', direction: 'ascending' });
    expect(byN).toEqual({ key: 'n', direction: 'descending' });
    expect(nextOrder(n, byN)).toEqual({ key: 'n', direction: 'ascending' });
    expect(nextOrder(name, byN)).toEqual({ key: 'name', direction: 'ascending' });
  });
});
