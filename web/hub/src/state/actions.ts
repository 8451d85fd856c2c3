/** What a person asks of sessions: sent to the hub and shown as pending at once; a failure is shown as a notification. */
import { get } from 'svelte/store';
import { idempotencyKey, errorMessage, Problem, type Api, type Change, type Consent } from './api.ts';
import type { Session } from './model.ts';
import type { Sessions } from './sessions.ts';
import type { Choices } from './start-options.ts';

export interface Notifications {
  show: (text: string, options?: { meaning?: 'bad' | 'good' | 'neutral' }) => unknown;
}

/** How a change of one session went. */
export type Outcome = { kind: 'done' } | { kind: 'refused' } | { kind: 'busy'; running: readonly string[] };

/** A session that was left as it is, since it computes. */
export interface BusySession {
  id: string;
  running: readonly string[];
}

function isBusy(error: unknown): error is Problem {
  return error instanceof Problem && error.code === 'busy';
}

/** Requests that are under way at the same time when many rows are changed. */
const CONCURRENCY = 6;

type Calls = Pick<Api, 'start' | 'change' | 'extend' | 'rename'>;

export class Actions {
  readonly #api: Calls;
  readonly #sessions: Sessions;
  readonly #notifications: Notifications;
  /** The idempotency key of each start until the hub answers: a second press, or a new try, starts nothing twice. */
  readonly #keys = new Map<string, string>();

  constructor(parts: { api: Calls; sessions: Sessions; notifications: Notifications }) {
    this.#api = parts.api;
    this.#sessions = parts.sessions;
    this.#notifications = parts.notifications;
  }

  /** Start a session and return it; null when the hub refused, and the reason is shown: to `refused`, where there is one. */
  async start(
    environment: string,
    name?: string,
    options: Choices = {},
    refused?: (reason: string) => void,
  ): Promise<Session | null> {
    const start = `${environment}\n${name ?? ''}\n${JSON.stringify(options)}`;
    const key = this.#keys.get(start) ?? idempotencyKey();
    this.#keys.set(start, key);
    const since = this.#sessions.mark();
    try {
      const session = await this.#api.start(environment, key, name, options);
      this.#keys.delete(start);
      this.#sessions.applyResponse(session, since);
      return session;
    } catch (error) {
      if (refused) refused(errorMessage(error));
      else this.#notifications.show(errorMessage(error), { meaning: 'bad' });
      return null;
    }
  }

  /** Change a session, and return how it went: it computes, and nobody agreed to end that; or it is done, or refused. */
  async change(id: string, change: Change, consent: Consent = 'none'): Promise<Outcome> {
    const error = await this.#try(id, change, consent);
    if (error === null) return { kind: 'done' };
    if (isBusy(error)) return { kind: 'busy', running: error.running };
    this.#notifications.show(errorMessage(error), { meaning: 'bad' });
    return { kind: 'refused' };
  }

  /** Put off the sleep of a session; where the hub refuses, the reason is shown. */
  async extend(id: string): Promise<void> {
    const since = this.#sessions.mark();
    try {
      this.#sessions.applyResponse(await this.#api.extend(id), since);
    } catch (error) {
      this.#notifications.show(errorMessage(error), { meaning: 'bad' });
    }
  }

  /** Give a session another name; return why not, or null when it is done. */
  async rename(id: string, name: string): Promise<string | null> {
    const since = this.#sessions.mark();
    try {
      this.#sessions.applyResponse(await this.#api.rename(id, name), since);
      return null;
    } catch (error) {
      return errorMessage(error);
    }
  }

  /** Change many sessions, show one notification of how it went, and return those that were left since they compute. */
  async changeAll(
    ids: readonly string[],
    change: Change,
    done: (count: number) => string,
    consent: Consent = 'none',
  ): Promise<BusySession[]> {
    const waiting = [...ids];
    const problems: string[] = [];
    const busy: BusySession[] = [];
    const work = async (): Promise<void> => {
      for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
        const error = await this.#try(id, change, consent);
        if (isBusy(error)) busy.push({ id, running: error.running });
        else if (error !== null) problems.push(errorMessage(error));
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, work));
    const worked = ids.length - problems.length - busy.length;
    if (worked > 0) this.#notifications.show(done(worked));
    if (problems.length > 0) {
      const [first = ''] = problems;
      const more = problems.length === 1 ? 'One is not changed' : `${problems.length} are not changed`;
      this.#notifications.show(`${more}: ${first}`, { meaning: 'bad' });
    }
    return busy;
  }

  /** Send the change, and return what was thrown; null when the hub accepted it. */
  async #try(id: string, change: Change, consent: Consent): Promise<unknown> {
    if (get(this.#sessions.pending).has(id)) return null; // the same press twice
    const since = this.#sessions.mark();
    this.#sessions.setPending(id, change);
    try {
      const session = await this.#api.change(id, change, consent);
      this.#sessions.applyResponse(session, since);
      return null;
    } catch (error) {
      return error;
    } finally {
      this.#sessions.setPending(id, null);
    }
  }
}
