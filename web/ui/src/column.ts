import type { Snippet } from 'svelte';
import type { Cell, Direction } from './rows.ts';

/** One column of a table. */
export interface Column<Row> {
  key: string;
  title: string;
  /** In px; the columns without one share what is left. */
  width?: string;
  align?: 'end';
  /** What it is sorted by; without it the column can't be sorted. */
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
