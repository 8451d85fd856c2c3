/** The session of the page as the hub says it is, looked at every now and then. */
import { Api, Problem } from '@rsparkhub/hub/state/api.ts';
import { Clock } from '@rsparkhub/hub/state/clock.ts';
import type { Session } from '@rsparkhub/hub/state/model.ts';
import { Poll } from '@lumino/polling';
import { Signal, type ISignal } from '@lumino/signaling';
import { mayRun, whyAway, type Away } from './situation.ts';

/**
 * Milliseconds between two looks while the tab is seen, while it is hidden, and while the session is about to be another.
 * A hidden tab looks too: it must not try to save into a session that sleeps.
 */
const SEEN = 10_000;
const HIDDEN = 30_000;
const CHANGES = 1_500;

export class FollowedSession {
  readonly #api: Api;
  readonly #clock = new Clock();
  readonly #poll: Poll;
  readonly #changed = new Signal<this, undefined>(this);
  #session: Session | null = null;
  #problem: Problem | null = null;
  #asked = 0;

  constructor(private readonly id: string) {
    this.#api = new Api({ onTime: (time) => this.#clock.synchronize(time) });
    this.#poll = new Poll({
      name: '@rsparkhub/lab:session',
      factory: () => this.#look(),
      frequency: every(SEEN),
      standby: 'never',
    });
    document.addEventListener('visibilitychange', () => {
      if (document.hidden) this.#pace();
      else void this.refresh();
    });
  }

  /** Emitted when a look has ended. */
  get changed(): ISignal<this, undefined> {
    return this.#changed;
  }

  /** As it was seen last; null before the first look. */
  get session(): Session | null {
    return this.#session;
  }

  /** Why it does not answer; null where it does, or where the hub doesn't either. */
  get away(): Away | null {
    return whyAway(this.#session, this.#problem, this.now());
  }

  /** Whether the hub did not answer the last time. */
  get isUnknown(): boolean {
    return this.#session === null || (this.#problem !== null && this.away === null);
  }

  /** The hub's time. */
  now(): number {
    return this.#clock.now();
  }

  /** Whether the person may wake it, put it to sleep and put its sleep off. */
  get mayRun(): boolean {
    return mayRun(this.#session);
  }

  /** Look now, whether or not the tab is seen. */
  async refresh(): Promise<void> {
    await this.#look();
  }

  /** Put it to sleep; `confirm` ends what computes. Throws the hub's Problem. */
  async sleep(confirm: boolean): Promise<void> {
    await this.#ask(() => this.#api.change(this.id, 'suspend', confirm ? 'confirm' : 'none'));
  }

  /** Wake it. Throws the hub's Problem. */
  async resume(): Promise<void> {
    await this.#ask(() => this.#api.change(this.id, 'resume'));
  }

  /** Put off its sleep by two hours. Throws the hub's Problem. */
  async extend(): Promise<void> {
    await this.#ask(() => this.#api.extend(this.id));
  }

  async #ask(request: () => Promise<Session>): Promise<void> {
    const session = await request();
    this.#asked += 1;
    this.#see(session, null);
  }

  async #look(): Promise<void> {
    this.#asked += 1;
    const asked = this.#asked; // an answer is passed over that is older than what was asked for meanwhile
    try {
      const session = await this.#api.session(this.id);
      if (asked === this.#asked) this.#see(session, null);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (asked === this.#asked) this.#see(this.#session, problem);
    }
  }

  #see(session: Session | null, problem: Problem | null): void {
    this.#session = session;
    this.#problem = problem;
    this.#pace();
    this.#changed.emit(undefined);
  }

  #pace(): void {
    const interval = this.away?.waiting ? CHANGES : document.hidden ? HIDDEN : SEEN;
    if (interval === this.#poll.frequency.interval) return;
    this.#poll.frequency = every(interval);
    void this.#poll.schedule(); // the next look is at the new pace too
  }
}

function every(interval: number): Poll['frequency'] {
  return { interval, backoff: false, max: interval };
}
