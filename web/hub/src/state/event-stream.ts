/** The hub's server-sent events: connected, or connecting again with backoff. An event is a hint; the list is the truth. */
import { writable, type Readable } from 'svelte/store';
import { backoff } from './backoff.ts';
import type { StreamData } from './model.ts';

export type Connection = 'connecting' | 'live' | 'lost';

/** The events that the pages do something with. */
export const EVENTS = ['session', 'deleted', 'progress'] as const;

/** One event as it came. */
export type HubEvent = {
  [Name in (typeof EVENTS)[number]]: { name: Name; data: StreamData[Name] };
}[(typeof EVENTS)[number]];

/** The part of an EventSource that is used. */
export interface EventSourceLike {
  onopen: ((event: Event) => unknown) | null;
  onerror: ((event: Event) => unknown) | null;
  addEventListener: (type: string, listener: (event: MessageEvent<string>) => void) => void;
  close: () => void;
}

export interface EventStreamOptions {
  open: (url: string) => EventSourceLike;
  onEvent: (event: HubEvent) => void;
  /** Connected, for the first time or again: events in between were missed, so the list has to be read. */
  onOpen: () => void;
  /** Refused or broken: the hub may be away, and the person may be signed out. */
  onError?: () => void;
  random?: () => number;
}

/** ms; a shorter break is not shown. */
const UNNOTICED_BREAK = 1_500;

function read(name: HubEvent['name'], data: string): HubEvent {
  return { name, data: JSON.parse(data) as unknown } as HubEvent;
}

export class EventStream {
  readonly #options: EventStreamOptions;
  readonly #connection = writable<Connection>('connecting');
  #source: EventSourceLike | null = null;
  #url: string | null = null;
  #tries = 0;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #lostTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: EventStreamOptions) {
    this.#options = options;
  }

  get connection(): Readable<Connection> {
    return this.#connection;
  }

  /** Connect to this address and to no other; `null` disconnects. */
  connect(url: string | null): void {
    if (url === this.#url) return;
    this.#url = url;
    this.#close();
    this.#tries = 0;
    this.#connection.set('connecting');
    if (url !== null) this.#open(url);
  }

  /** Connect now, if it waits for its next try: the person asks, or the network is back. */
  reconnect(): void {
    if (this.#url === null || this.#retryTimer === undefined) return;
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    this.#open(this.#url);
  }

  #open(url: string): void {
    const source = this.#options.open(url);
    this.#source = source;
    source.onopen = () => {
      this.#tries = 0;
      clearTimeout(this.#lostTimer);
      this.#lostTimer = undefined;
      this.#connection.set('live');
      this.#options.onOpen();
    };
    source.onerror = () => {
      // The browser connects again by itself only after some errors; this does after all of them.
      source.close();
      this.#source = null;
      this.#lostTimer ??= setTimeout(() => this.#connection.set('lost'), UNNOTICED_BREAK);
      this.#retryTimer = setTimeout(
        () => {
          this.#retryTimer = undefined;
          this.#open(url);
        },
        backoff(this.#tries++, this.#options.random),
      );
      this.#options.onError?.();
    };
    for (const name of EVENTS) {
      source.addEventListener(name, ({ data }) => {
        if (source === this.#source) this.#options.onEvent(read(name, data));
      });
    }
  }

  #close(): void {
    this.#source?.close();
    this.#source = null;
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#lostTimer);
    this.#retryTimer = this.#lostTimer = undefined;
  }
}
