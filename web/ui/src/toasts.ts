import { writable, type Readable } from 'svelte/store';
import type { Meaning } from './meaning.ts';

export interface Toast {
  id: number;
  text: string;
  meaning: Meaning;
  action?: { text: string; run: () => void };
}

interface Clock {
  set: (run: () => void, ms: number) => unknown;
  clear: (timer: unknown) => void;
}

const browser: Clock = {
  set: (run, ms) => setTimeout(run, ms),
  clear: (timer) => clearTimeout(timer as number),
};

const SHOWN = 6000; // ms

/**
 * Short words about what just happened. What went wrong stays until it is put away; the rest goes by itself, and waits
 * while somebody is reading it (`pause`).
 */
export class Toasts {
  readonly #list = writable<Toast[]>([]);
  readonly #timers = new Map<number, unknown>();
  readonly #clock: Clock;
  #next = 1;

  constructor(clock: Clock = browser) {
    this.#clock = clock;
  }

  get list(): Readable<Toast[]> {
    return this.#list;
  }

  /** Show a message and return its id. */
  show(
    text: string,
    { meaning = 'neutral', action }: { meaning?: Meaning; action?: Toast['action'] } = {},
  ): number {
    const id = this.#next++;
    // The same words twice are one message.
    this.#list.update((list) => [
      ...list.filter((toast) => toast.text !== text).slice(-3),
      { id, text, meaning, ...(action && { action }) },
    ]);
    if (meaning !== 'bad') this.#start(id);
    return id;
  }

  /** Remove a message. */
  dismiss(id: number): void {
    this.#clear(id);
    this.#list.update((list) => list.filter((toast) => toast.id !== id));
  }

  /** Stop the time of all messages while somebody reads them. */
  pause(): void {
    for (const id of [...this.#timers.keys()]) this.#clear(id);
  }

  /** Start their time anew. */
  resume(): void {
    let all: Toast[] = [];
    this.#list.subscribe((list) => (all = list))();
    for (const toast of all)
      if (toast.meaning !== 'bad' && !this.#timers.has(toast.id)) this.#start(toast.id);
  }

  #start(id: number): void {
    this.#timers.set(
      id,
      this.#clock.set(() => this.dismiss(id), SHOWN),
    );
  }

  #clear(id: number): void {
    this.#clock.clear(this.#timers.get(id));
    this.#timers.delete(id);
  }
}

export const toasts = new Toasts();
