import { constructSortFn } from '@tanstack/svelte-table';
import type { Snippet } from 'svelte';

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
   * What it is sorted by, from the row alone (the table remembers it for each row); without it the column can't be
   * sorted. An empty cell comes last in either direction.
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

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

/** Numbers by size; words as people sort them: by the numbers inside them, and without regard to case. */
export const compareCells = constructSortFn({
  sort: (one: string | number, other: string | number) =>
    typeof one === 'number' && typeof other === 'number'
      ? one - other
      : collator.compare(String(one), String(other)),
});
