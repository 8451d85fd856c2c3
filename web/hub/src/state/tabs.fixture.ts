/** Channels and locks as a browser has them, for tests in which several tabs stand beside each other. */
import type { ChannelLike, LocksLike } from './leadership.ts';

export class FakeBrowser {
  readonly #channels = new Map<string, Map<ChannelLike, string>>();
  #holder: { end: () => void; fail: (error: Error) => void } | null = null;
  readonly #waiting: { start: () => void; dropped: () => boolean }[] = [];

  /** The tabs that are frozen: they neither say a word nor hear one. */
  readonly frozen = new Set<string>();

  /** Return what opens the channels of this tab. */
  channelsOf =
    (tab: string) =>
    (name: string): ChannelLike =>
      this.#open(tab, name);

  #open(tab: string, name: string): ChannelLike {
    const all = this.#channels.get(name) ?? new Map<ChannelLike, string>();
    this.#channels.set(name, all);
    const channel: ChannelLike = {
      onmessage: null,
      postMessage: (message) => {
        if (this.frozen.has(tab)) return;
        for (const [other, of] of [...all]) {
          if (other === channel) continue;
          queueMicrotask(() => {
            if (all.has(other) && !this.frozen.has(of))
              other.onmessage?.({ data: message } as MessageEvent<unknown>);
          });
        }
      },
      close: () => all.delete(channel),
    };
    all.set(channel, tab);
    return channel;
  }

  /** One lock is enough: there is one name. */
  locks: LocksLike = {
    request: (_name, { signal, steal }, callback) =>
      new Promise((resolve, reject) => {
        const start = (): void => {
          let over = false;
          const end = (): void => {
            if (over) return;
            over = true;
            this.#holder = null;
            resolve(undefined);
            this.#next();
          };
          this.#holder = {
            end,
            fail: (error) => {
              over = true;
              reject(error);
            },
          };
          void callback().then(end);
        };
        if (steal) {
          this.#holder?.fail(new DOMException('stolen', 'AbortError'));
          start();
          return;
        }
        signal?.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')));
        this.#waiting.push({ start, dropped: () => signal?.aborted ?? false });
        if (!this.#holder) this.#next();
      }),
  };

  /** The tab that holds the lock dies. */
  crash(): void {
    this.#holder = null;
    this.#next();
  }

  #next(): void {
    while (this.#waiting.length > 0 && !this.#holder) {
      const next = this.#waiting.shift();
      if (next && !next.dropped()) next.start();
    }
  }
}
