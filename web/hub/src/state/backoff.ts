/** How long to wait before something that failed is tried again. */

const FIRST = 500; // ms
const LONGEST = 15_000; // ms

/** Return the ms until the next try: doubled each time, and spread, so that a hall full of browsers does not come at once. */
export function backoff(tries: number, random: () => number = Math.random): number {
  return Math.min(LONGEST, FIRST * 2 ** tries) * (0.5 + random() / 2);
}
