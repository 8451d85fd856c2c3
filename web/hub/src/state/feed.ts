/** The stream of changes: connected, or trying again with growing patience. What it says is a hint; the list is the truth. */
import { writable, type Readable } from 'svelte/store';
import type { PartState, Session } from './model.ts';

export type Connection = 'connecting' | 'live' | 'lost';

export interface Progress {
  session: string;
  part: string;
  title: string | null;
  state: PartState;
  reason: string | null;
}

/** What the feed needs of an EventSource. */
export interface Source {
  onopen: ((event: Event) => unknown) | null;
  onerror: ((event: Event) => unknown) | null;
  addEventListener: (type: string, listener: (event: MessageEvent<string>) => void) => void;
  close: () => void;
}

export interface FeedOptions {
  open: (url: string) => Source;
  onSession: (session: Session) => void;
  onDeleted: (id: string) => void;
  onProgress: (progress: Progress) => void;
  /** Connected, for the first time or again: what happened meanwhile was not heard, so the list is read. */
  onOpen: () => void;
  random?: () => number;
}

const FIRST = 500; // ms until the first try, doubled with each
const LONGEST = 15_000;
/** A break shorter than this is nobody's business. */
const QUIET = 1_500;

/** How long until the next try: doubled each time, and not the same for a hall full of browsers. */
export function delay(tries: number, random: number): number {
  return Math.min(LONGEST, FIRST * 2 ** tries) * (0.5 + random / 2);
}

export class Feed {
  readonly #options: FeedOptions;
  readonly #connection = writable<Connection>('connecting');
  #source: Source | null = null;
  #url: string | null = null;
  #tries = 0;
  #again: ReturnType<typeof setTimeout> | undefined;
  #tell: ReturnType<typeof setTimeout> | undefined;

  constructor(options: FeedOptions) {
    this.#options = options;
  }

  get connection(): Readable<Connection> {
    return this.#connection;
  }

  /** Listen to this address, and to no other; `null` stops listening. */
  listen(url: string | null): void {
    if (url === this.#url) return;
    this.#url = url;
    this.#drop();
    this.#tries = 0;
    this.#connection.set('connecting');
    if (url !== null) this.#connect(url);
  }

  /** Try again now (the person asks, or the network is back). */
  retry(): void {
    if (this.#url === null || this.#again === undefined) return;
    clearTimeout(this.#again);
    this.#again = undefined;
    this.#connect(this.#url);
  }

  #connect(url: string): void {
    const source = this.#options.open(url);
    this.#source = source;
    source.onopen = () => {
      this.#tries = 0;
      clearTimeout(this.#tell);
      this.#tell = undefined;
      this.#connection.set('live');
      this.#options.onOpen();
    };
    source.onerror = () => {
      // The browser tries again by itself only after some errors; we always do, and less and less often.
      source.close();
      this.#source = null;
      this.#tell ??= setTimeout(() => this.#connection.set('lost'), QUIET);
      this.#again = setTimeout(
        () => {
          this.#again = undefined;
          this.#connect(url);
        },
        delay(this.#tries++, (this.#options.random ?? Math.random)()),
      );
    };
    const on = (type: string, told: (data: unknown) => void): void =>
      source.addEventListener(type, (event) => {
        if (source === this.#source) told(JSON.parse(event.data));
      });
    on('session', (session) => this.#options.onSession(session as Session));
    on('deleted', (deleted) => this.#options.onDeleted((deleted as { id: string }).id));
    on('progress', (progress) => this.#options.onProgress(progress as Progress));
  }

  #drop(): void {
    this.#source?.close();
    this.#source = null;
    clearTimeout(this.#again);
    clearTimeout(this.#tell);
    this.#again = this.#tell = undefined;
  }
}
