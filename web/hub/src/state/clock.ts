/** The hub's time: a lab's computer may be minutes off, and "5 min left" must be right all the same. */
import { readable, type Readable } from 'svelte/store';

/** ms. Smaller differences come from latency and from whole seconds, not from a wrong clock. */
const TOLERANCE = 3_000;

export class Clock {
  #skew = 0;

  /** Set the clock by the hub's time in a response that just arrived; both in ms since 1970. */
  synchronize(time: number, local: number = Date.now()): void {
    const skew = time - local;
    this.#skew = Math.abs(skew) > TOLERANCE ? skew : 0;
  }

  now = (): number => Date.now() + this.#skew;

  /** The time each second, while somebody subscribes. */
  readonly ticking: Readable<number> = readable(this.now(), (set) => {
    set(this.now());
    const timer = setInterval(() => set(this.now()), 1000);
    return () => clearInterval(timer);
  });
}
