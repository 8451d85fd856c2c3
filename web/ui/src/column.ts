import type { Snippet } from 'svelte';
import { LOCALE } from './language.ts';

export type Cell = string | number | null | undefined;
export type Direction = 'ascending' | 'descending';

/** Which column a table is sorted by. */
export interface Order {
  key: string;
  direction: Direction;
}

/** One column of a table. */
export interface Column<Row> {
  key: string;
  title: string;
  /** In px; the columns without one share what is left. */
  width?: string;
  align?: 'end';
  /**
   * What it is sorted by, from the row alone; without it the column can't be sorted. An empty cell comes last in either direction.
   */
  sort?: (row: Row) => Cell;
  /** The direction of the first press; the largest first where that is what one looks for. */
  first?: Direction;
  /** Left out where the table is narrower than this (px). */
  from?: number;
  /** The head says nothing (actions). */
  silent?: boolean;
  text?: (row: Row) => string;
  cell?: Snippet<[Row]>;
}

const collator = new Intl.Collator(LOCALE, { numeric: true, sensitivity: 'base' });

/** Return rows in an order; those that are equal stand as they came, and an empty cell comes last in either direction. */
export function sortRows<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  order: Order | null,
): readonly Row[] {
  const sort = columns.find(({ key }) => key === order?.key)?.sort;
  if (!sort) return rows;
  const sign = order?.direction === 'descending' ? -1 : 1;
  return rows
    .map((row) => ({ row, cell: sort(row) ?? null }))
    .sort(({ cell: one }, { cell: other }) =>
      one === null || other === null
        ? Number(one === null) - Number(other === null)
        : sign * compareCells(one, other),
    )
    .map(({ row }) => row);
}

/** Return the order after a press on a column's head: its first direction, and turned round by each further press. */
export function nextOrder<Row>({ key, first = 'ascending' }: Column<Row>, order: Order | null): Order {
  if (order?.key !== key) return { key, direction: first };
  return { key, direction: order.direction === 'ascending' ? 'descending' : 'ascending' };
}

/** Numbers by size; words as people sort them: by the numbers inside them, and without regard to case. */
function compareCells(one: string | number, other: string | number): number {
  return typeof one === 'number' && typeof other === 'number'
    ? one - other
    : collator.compare(String(one), String(other));
}
