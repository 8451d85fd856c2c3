/** Something that a page reads from the hub. What was read stands while it is read anew, also when that fails. */
import { writable, type Readable } from 'svelte/store';
import { errorMessage } from './api.ts';
import { Retry } from './retry.ts';

export interface Reading<T> {
  /** Null until it was read for the first time. */
  data: T | null;
  /** Why it could not be read the last time, as a sentence; it is tried again by itself. */
  problem: string | null;
}

export class Resource<T> implements Readable<Reading<T>> {
  readonly #reading = writable<Reading<T>>({ data: null, problem: null });
  readonly #retry: Retry;
  readonly subscribe = this.#reading.subscribe;

  constructor(read: () => Promise<T>) {
    let newest = 0;
    this.#retry = new Retry(async () => {
      const mine = ++newest;
      try {
        const data = await read();
        if (mine === newest) this.#reading.set({ data, problem: null });
      } catch (error) {
        if (mine === newest) this.#reading.update(({ data }) => ({ data, problem: errorMessage(error) }));
        throw error;
      }
    });
  }

  /** Read it, and again until the hub has answered. */
  load = (): Promise<void> => this.#retry.run();

  /** Read it now, and return what ends the tries: for `onMount`. */
  start = (): (() => void) => {
    void this.load();
    return () => this.#retry.stop();
  };

  /** Forget it: another person is signed in. */
  clear(): void {
    this.#retry.stop();
    this.#reading.set({ data: null, problem: null });
  }
}
