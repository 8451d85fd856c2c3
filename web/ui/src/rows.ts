/** What a long table needs: an order, and which rows are in view. Pure. */

export type Cell = string | number | null | undefined;
export type Direction = 'ascending' | 'descending';
export interface Order {
  key: string;
  direction: Direction;
}

const words = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

/** Empty cells come last in either direction; equal rows keep their order. */
export function sorted<Row>(rows: readonly Row[], cell: (row: Row) => Cell, direction: Direction): Row[] {
  const sign = direction === 'ascending' ? 1 : -1;
  return [...rows].sort((one, other) => {
    const [a, b] = [cell(one) ?? null, cell(other) ?? null];
    if (a === null || b === null) return Number(a === null) - Number(b === null);
    if (typeof a === 'number' && typeof b === 'number') return sign * (a - b);
    return sign * words.compare(String(a), String(b));
  });
}

/** The rows to draw for a scroll position, with a few to spare on either side. */
export function inView(
  count: number,
  rowHeight: number,
  scrolled: number,
  viewHeight: number,
  spare = 8,
): { from: number; to: number } {
  const first = Math.floor(scrolled / rowHeight);
  const shown = Math.ceil(viewHeight / rowHeight) + 1;
  const from = Math.max(0, Math.min(first - spare, count - shown));
  return { from, to: Math.min(count, Math.max(first, 0) + shown + spare) };
}

/** The order after a press on a column's head: first its own direction, then the other. */
export function pressed(order: Order | null, key: string, first: Direction): Order {
  if (order?.key !== key) return { key, direction: first };
  return { key, direction: order.direction === 'ascending' ? 'descending' : 'ascending' };
}
