/** Plots of all consoles in the order in which they were drawn. */

import type { Rich, ServerEvent } from '../protocol/messages.ts';

export interface ShownPlot {
  seq: number;
  console: string;
  execution: string;
  plot: string | null;
  rich: Rich;
  time: string;
}

const MOST = 500;

class AllPlots {
  list: ShownPlot[] = $state.raw([]);
  private chosen: number | null = $state(null);

  take(event: ServerEvent): void {
    if (event.type !== 'plot') return;
    const { seq, console, execution, plot, data, blobs, metadata, time } = event;
    this.list = [
      ...this.list,
      { seq, console, execution, plot, time, rich: { seq, data, blobs, metadata } },
    ].slice(-MOST);
    this.chosen = null;
  }

  /** The one that is shown: the newest, unless the person went to another. */
  get current(): ShownPlot | null {
    const found = this.chosen === null ? undefined : this.list.find(({ seq }) => seq === this.chosen);
    return found ?? this.list.at(-1) ?? null;
  }

  get at(): number {
    const { current } = this;
    return current ? this.list.indexOf(current) : -1;
  }

  show(seq: number): void {
    this.chosen = seq;
  }

  step(by: number): void {
    const to = this.list[Math.min(this.list.length - 1, Math.max(0, this.at + by))];
    if (to) this.chosen = to.seq;
  }

  clear(): void {
    this.list = [];
    this.chosen = null;
  }
}

export const plots = new AllPlots();
