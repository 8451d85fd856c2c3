/** The time, as the hub has it: a lab's computer may be minutes off, and "5 min left" must be right all the same. */
import { readable, type Readable } from 'svelte/store';

/** Differences below this come from the way and from whole seconds, not from a wrong clock. */
const TOLERATED = 3_000;

export class Clock {
  #skew = 0;

  /** The hub's time in an answer that just came. */
  heard(time: number, here: number = Date.now()): void {
    const skew = time - here;
    this.#skew = Math.abs(skew) > TOLERATED ? skew : 0;
  }

  now = (): number => Date.now() + this.#skew;

  /** The time, each second, while somebody looks. */
  readonly ticking: Readable<number> = readable(this.now(), (set) => {
    set(this.now());
    const timer = setInterval(() => set(this.now()), 1000);
    return () => clearInterval(timer);
  });
}
