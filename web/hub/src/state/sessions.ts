/**
 * The sessions that are known. Their state is always the one the hub reported last; a request that is under way is stored
 * beside it, so that a button reacts at once.
 */
import { derived, get, writable, type Readable } from 'svelte/store';
import type { Change } from './api.ts';
import type { Progress, Session } from './model.ts';

export type Known = ReadonlyMap<string, Session>;

/** The number of events when a request was sent: a response is older than the events since. */
export type Mark = number;

export class Sessions {
  readonly #known = writable<Known>(new Map());
  readonly #pending = writable<ReadonlyMap<string, Change>>(new Map());
  readonly #loaded = writable(false);
  /** For each session the number of its last event. */
  readonly #lastEvent = new Map<string, number>();
  #count = 0;

  get known(): Readable<Known> {
    return this.#known;
  }
  /** Requests that the hub has not answered yet, by session. */
  get pending(): Readable<ReadonlyMap<string, Change>> {
    return this.#pending;
  }
  get loaded(): Readable<boolean> {
    return this.#loaded;
  }

  one(id: string): Readable<Session | undefined> {
    return derived(this.#known, (known) => known.get(id));
  }

  /** Return what to hand to `applyResponse` and `applyList` for a request that is sent now. */
  mark(): Mark {
    return this.#count;
  }

  /** Store a session that the stream reports. */
  applySession(session: Session): void {
    this.#lastEvent.set(session.id, ++this.#count);
    this.#put(session);
  }

  /** Remove a session whose deletion the stream reports. */
  applyDeletion(id: string): void {
    this.#lastEvent.set(id, ++this.#count);
    this.#known.update((known) => without(known, id));
  }

  /** Store the state of a part; the session's own event follows, and this one shows the part a moment earlier. */
  applyProgress(progress: Progress): void {
    const session = get(this.#known).get(progress.session);
    if (!session?.services.some((part) => part.name === progress.part)) return;
    const services = session.services.map((part) =>
      part.name === progress.part ? { ...part, state: progress.state, reason: progress.reason } : part,
    );
    this.#put({ ...session, services });
  }

  /** Store a session from a response, unless the stream reported it after the request was sent (`since`). */
  applyResponse(session: Session, since: Mark): void {
    if ((this.#lastEvent.get(session.id) ?? 0) > since) return;
    this.#put(session);
  }

  /** Replace all sessions by the list, except what the stream reported after it was asked for (`since`). */
  applyList(list: readonly Session[], since: Mark): void {
    const before = get(this.#known);
    const next = new Map<string, Session>();
    for (const session of list) {
      const newer = (this.#lastEvent.get(session.id) ?? 0) > since;
      const kept = newer ? before.get(session.id) : session;
      if (kept) next.set(session.id, kept);
    }
    for (const [id, session] of before) {
      if (!next.has(id) && (this.#lastEvent.get(id) ?? 0) > since) next.set(id, session);
    }
    this.#known.set(next);
    this.#loaded.set(true);
  }

  remove(id: string): void {
    this.#known.update((known) => without(known, id));
  }

  /** Remove everything: another person signs in. */
  clear(): void {
    this.#known.set(new Map());
    this.#pending.set(new Map());
    this.#lastEvent.clear();
    this.#loaded.set(false);
  }

  setPending(id: string, change: Change | null): void {
    this.#pending.update((pending) => {
      const next = new Map(pending);
      if (change) next.set(id, change);
      else next.delete(id);
      return next;
    });
  }

  #put(session: Session): void {
    this.#known.update((known) => new Map(known).set(session.id, session));
  }
}

function without(known: Known, id: string): Known {
  const next = new Map(known);
  next.delete(id);
  return next;
}

/** Return the sessions, the newest first: an order that no change of a session changes. */
export function newestFirst(known: Known): Session[] {
  return [...known.values()].sort(
    (one, other) => other.created.localeCompare(one.created) || one.id.localeCompare(other.id),
  );
}

/** Return how many sessions each person has. */
export function countByOwner(known: Known): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const { owner } of known.values()) found.set(owner, (found.get(owner) ?? 0) + 1);
  return found;
}
