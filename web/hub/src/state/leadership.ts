/**
 * Which of a browser's tabs leads, so that one does what need not be done by each. A tab that ends, also by a crash, gives
 * the lead back: a Web Lock ends with its tab. Where there are no Web Locks (a page over plain HTTP from another machine)
 * the tabs agree by messages, which takes a moment longer. A leader that stays silent is replaced either way.
 */

/** The part of a BroadcastChannel that is used. */
export interface ChannelLike {
  onmessage: ((event: MessageEvent<unknown>) => unknown) | null;
  postMessage: (message: unknown) => void;
  close: () => void;
}

/** The part of `navigator.locks` that is used. */
export interface LocksLike {
  request: (name: string, options: LockOptions, callback: () => Promise<void>) => Promise<unknown>;
}

export interface LeadershipOptions {
  /** The name of the lead: its lock and its channel. */
  name: string;
  /** Known to this tab alone. */
  tab: string;
  openChannel: (name: string) => ChannelLike;
  locks: LocksLike | undefined;
  onChange: (leads: boolean) => void;
}

/** `claim` asks who leads, `lead` is the leader's answer and its sign of life, `free` says that nobody leads any more. */
interface Word {
  kind: 'claim' | 'lead' | 'free';
  tab: string;
}

const BEAT = 2_000; // ms between two signs of life
const BEATS_MISSED = 3; // after which a leader is replaced
const CLAIM = 250; // ms that a leader has to answer a claim

export class Leadership {
  readonly #options: LeadershipOptions;
  /** Undefined also after they refused: then the tabs agree by messages. */
  #locks: LocksLike | undefined;
  #channel: ChannelLike | null = null;
  #leads = false;
  #missed = 0;
  #beat: ReturnType<typeof setInterval> | undefined;
  #claim: ReturnType<typeof setTimeout> | undefined;
  /** Aborted when the lead is not wanted any more; null while it is not wanted. */
  #wanted: AbortController | null = null;
  #releaseLock: (() => void) | null = null;

  constructor(options: LeadershipOptions) {
    this.#options = options;
    this.#locks = options.locks;
  }

  get leads(): boolean {
    return this.#leads;
  }

  /** Lead as soon as no other tab does. */
  request(): void {
    if (this.#wanted) return;
    this.#wanted = new AbortController();
    this.#missed = 0;
    this.#channel = this.#options.openChannel(`${this.#options.name}.lead`);
    this.#channel.onmessage = (event) => this.#hear(event.data as Word);
    this.#beat = setInterval(() => this.#tick(), BEAT);
    this.#ask({ steal: false });
  }

  /** Give the lead back, or no longer wait for it. */
  release(): void {
    if (!this.#wanted) return;
    const wanted = this.#wanted;
    this.#wanted = null;
    clearInterval(this.#beat);
    clearTimeout(this.#claim);
    const led = this.#leads;
    this.#set(false);
    wanted.abort();
    this.#releaseLock?.();
    this.#releaseLock = null;
    if (led) this.#say('free');
    this.#channel?.close();
    this.#channel = null;
  }

  #ask({ steal }: { steal: boolean }): void {
    if (this.#locks && this.#wanted) void this.#hold(this.#locks, this.#wanted, steal);
    else this.#claimNext(0);
  }

  /** Wait for the lock, and lead while it is held. */
  async #hold(locks: LocksLike, wanted: AbortController, steal: boolean): Promise<void> {
    try {
      await locks.request(
        this.#options.name,
        steal ? { steal } : { signal: wanted.signal },
        () =>
          new Promise((release) => {
            if (wanted.signal.aborted) {
              release();
              return;
            }
            this.#releaseLock = release;
            this.#set(true);
          }),
      );
    } catch (error) {
      // An abort: not wanted any more, or another tab took it over because this one seemed dead.
      if (!(error instanceof DOMException && error.name === 'AbortError')) this.#locks = undefined;
    }
    if (this.#wanted !== wanted) return;
    this.#set(false);
    this.#ask({ steal: false });
  }

  /** Ask after this time (ms) who leads, and lead when nobody answers. */
  #claimNext(delay: number): void {
    clearTimeout(this.#claim);
    this.#claim = setTimeout(() => {
      this.#say('claim');
      this.#claim = setTimeout(() => this.#set(true), CLAIM);
    }, delay);
  }

  #hear({ kind, tab }: Word): void {
    const byMessages = !this.#locks;
    if (kind === 'lead') {
      this.#missed = 0;
      if (!byMessages) return;
      clearTimeout(this.#claim);
      // Two that both believe to lead: the one of the smaller name does.
      if (this.#leads && tab < this.#options.tab) this.#set(false);
      else if (this.#leads) this.#say('lead');
    } else if (kind === 'claim') {
      if (this.#leads) this.#say('lead');
      else if (byMessages && tab < this.#options.tab) clearTimeout(this.#claim);
    } else if (byMessages && !this.#leads) this.#claimNext(Math.random() * CLAIM);
  }

  #tick(): void {
    if (this.#leads) {
      this.#say('lead');
      return;
    }
    // Counted in ticks and not by the clock: when a computer wakes, nobody has missed anything yet.
    if (++this.#missed < BEATS_MISSED) return;
    this.#missed = 0;
    this.#ask({ steal: true });
  }

  #say(kind: Word['kind']): void {
    this.#channel?.postMessage({ kind, tab: this.#options.tab } satisfies Word);
  }

  #set(leads: boolean): void {
    clearTimeout(this.#claim);
    if (leads === this.#leads) return;
    this.#leads = leads;
    if (leads) this.#say('lead');
    this.#options.onChange(leads);
  }
}
