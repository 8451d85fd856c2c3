/** Does something until the hub has answered it: again after a while when it could not be asked, at once when it is back. */
import { Problem } from './api.ts';
import { backoff } from './backoff.ts';

/** Whether the same request may be answered later: the hub is away or overloaded, as opposed to a refusal. */
export function isTemporary(error: unknown): boolean {
  return !(error instanceof Problem) || error.status === 0 || error.status === 429 || error.status >= 500;
}

const waiting = new Set<Retry>();

/** Try everything now that waits for its next try: the network or the hub is back. */
export function retryAll(): void {
  for (const retry of [...waiting]) void retry.run();
}

export class Retry {
  readonly #work: () => Promise<void>;
  #tries = 0;
  #turn = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `work` throws what went wrong, after having shown it. */
  constructor(work: () => Promise<void>) {
    this.#work = work;
  }

  /** Do it now, and again until it works or is refused; a later call takes the place of an earlier one. */
  async run(): Promise<void> {
    this.stop();
    const turn = this.#turn;
    try {
      await this.#work();
      if (turn === this.#turn) this.#tries = 0;
    } catch (error) {
      if (turn !== this.#turn || !isTemporary(error)) return;
      waiting.add(this);
      this.#timer = setTimeout(() => void this.run(), backoff(this.#tries++));
    }
  }

  /** Try no more. */
  stop(): void {
    this.#turn++;
    waiting.delete(this);
    clearTimeout(this.#timer);
  }
}
