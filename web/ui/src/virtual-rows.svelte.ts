import { createVirtualizer, type VirtualItem } from '@tanstack/svelte-virtual';
import { fromStore, get } from 'svelte/store';

export interface VirtualRowsOptions {
  count: number;
  /** Pixels; all rows are as high. */
  rowHeight: number;
  /** Rows drawn above and below the view. */
  overscan: number;
  /** The element that scrolls. */
  scroller: HTMLElement | undefined;
  /** What a row is known by while it moves; its place by default. */
  keyOf?: (at: number) => string | number;
}

export interface VirtualRows {
  readonly items: VirtualItem[];
  /** Pixels of the rows above the first that is drawn. */
  readonly above: number;
  /** Pixels of the rows below the last that is drawn. */
  readonly below: number;
}

/** Return the rows of a long list that are in view, followed while the list scrolls and `options` changes. */
export function virtualRows(options: () => VirtualRowsOptions): VirtualRows {
  const store = createVirtualizer<HTMLElement, HTMLElement>({
    count: 0,
    getScrollElement: () => null,
    estimateSize: () => 0,
  });
  // The adapter does not follow what its options read.
  $effect(() => {
    const { count, rowHeight, overscan, scroller, keyOf = (at: number) => at } = options();
    get(store).setOptions({
      count,
      overscan,
      getScrollElement: () => scroller ?? null,
      estimateSize: () => rowHeight,
      getItemKey: keyOf,
    });
  });
  const virtualizer = fromStore(store);
  const items = $derived(
    virtualizer.current.getVirtualItems().filter(({ index }) => index < options().count),
  );
  return {
    get items() {
      return items;
    },
    get above() {
      return items[0]?.start ?? 0;
    },
    get below() {
      const { count, rowHeight } = options();
      return count * rowHeight - (items.at(-1)?.end ?? 0);
    },
  };
}
