/** A table of the session, of which only what is looked at is here. */

import type { Column, Filter, Page, Sort, TablePart } from '../protocol/messages.ts';
import { track } from './track.ts';

const ROWS = 100; // of a block
const COLUMNS = 50;
const MOST_BLOCKS = 80;

export class Sheet {
  rows = $state(0);
  matching = $state(0);
  allColumns = $state(0);
  columns: (Column | undefined)[] = $state.raw([]);
  sort: Sort | null = $state(null);
  filters: Filter[] = $state.raw([]);
  search = $state('');
  problem: string | null = $state(null);
  /** Whether the table has further rows, which are not read. */
  more = $state(false);
  /** Grows whenever cells have come. */
  version = $state(0);
  loaded = $state(false);
  private blocks = new Map<string, Page | 'asked'>();
  private asked = new AbortController();

  /** A sheet of the table of which `read` gives parts. */
  constructor(private readonly read: (part: TablePart, signal: AbortSignal) => Promise<Page>) {}

  /** Forget what is here, and ask anew: the order, the filters or the table itself have changed. */
  reload(): void {
    this.asked.abort();
    this.asked = new AbortController();
    this.blocks.clear();
    this.version += 1;
    void this.ask(0, 0, true);
  }

  /** Return the text of a cell; null for a missing value, undefined while it is on its way. */
  cell(row: number, column: number): string | null | undefined {
    track(this.version);
    const page = this.block(row, column);
    return page?.cells[column - page.first_column]?.[row - page.first_row];
  }

  rowName(row: number): string {
    track(this.version);
    const page =
      this.block(row, 0) ??
      [...this.blocks.values()].find(
        (one): one is Page => one !== 'asked' && one.first_row === row - (row % ROWS),
      );
    return page?.row_names[row - page.first_row] ?? String(row + 1);
  }

  /** Ask for what a view shows and isn't here. */
  want(firstRow: number, lastRow: number, firstColumn: number, lastColumn: number): void {
    for (let row = firstRow - (firstRow % ROWS); row <= lastRow; row += ROWS)
      for (let column = firstColumn - (firstColumn % COLUMNS); column <= lastColumn; column += COLUMNS)
        if (row < Math.max(1, this.matching) && !this.blocks.has(`${row} ${column}`))
          void this.ask(row, column, false);
  }

  private block(row: number, column: number): Page | undefined {
    const found = this.blocks.get(`${row - (row % ROWS)} ${column - (column % COLUMNS)}`);
    return found === 'asked' ? undefined : found;
  }

  private async ask(row: number, column: number, first: boolean): Promise<void> {
    const key = `${row} ${column}`;
    this.blocks.set(key, 'asked');
    const { signal } = this.asked;
    try {
      const page = await this.read(
        {
          first_row: row,
          rows: ROWS,
          first_column: column,
          columns: COLUMNS,
          sort: this.sort ? [this.sort] : [],
          filters: this.filters,
          search: this.search,
          summarize: !this.columns[column]?.histogram,
        },
        signal,
      );
      if (signal.aborted) return;
      this.take(key, page);
      if (first) this.loaded = true;
      this.problem = null;
    } catch (problem) {
      if (signal.aborted) return;
      this.blocks.delete(key);
      this.problem = problem instanceof Error ? problem.message : String(problem);
    }
  }

  private take(key: string, page: Page): void {
    this.blocks.set(key, page);
    for (const old of [...this.blocks.keys()].slice(0, Math.max(0, this.blocks.size - MOST_BLOCKS)))
      if (old !== key) this.blocks.delete(old);
    this.rows = page.rows;
    this.matching = page.matching;
    this.allColumns = page.all_columns;
    this.more = page.more;
    const columns = [...this.columns];
    for (const [at, column] of page.columns.entries()) {
      const known = columns[page.first_column + at];
      // Only the first answer has counts and histograms.
      columns[page.first_column + at] =
        column.missing === null && known?.name === column.name ? known : column;
    }
    this.columns = columns;
    this.version += 1;
  }
}
