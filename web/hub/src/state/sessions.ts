/**
 * What is known of sessions. The server's word is the only truth; what was just asked for is kept beside it, so that a
 * button answers at once, and never instead of it.
 */
import { derived, get, writable, type Readable } from 'svelte/store';
import type { Change } from './api.ts';
import type { Progress } from './feed.ts';
import type { Session } from './model.ts';

export type Known = ReadonlyMap<string, Session>;

/** Where reading the list, or asking for a change, began: what the stream said since then is newer. */
export type Mark = number;

export class Sessions {
  readonly #known = writable<Known>(new Map());
  readonly #asked = writable<ReadonlyMap<string, Change>>(new Map());
  readonly #loaded = writable(false);
  /** When the stream last spoke of a session, counted in its words. */
  readonly #heard = new Map<string, number>();
  #count = 0;

  get known(): Readable<Known> {
    return this.#known;
  }
  /** What a person asked for and the hub has not answered yet. */
  get asked(): Readable<ReadonlyMap<string, Change>> {
    return this.#asked;
  }
  get loaded(): Readable<boolean> {
    return this.#loaded;
  }

  one(id: string): Readable<Session | undefined> {
    return derived(this.#known, (known) => known.get(id));
  }

  mark(): Mark {
    return this.#count;
  }

  /** The stream says how a session is. */
  hear(session: Session): void {
    this.#heard.set(session.id, ++this.#count);
    this.#put(session);
  }

  /** The stream says that a session is no more. */
  hearDeleted(id: string): void {
    this.#heard.set(id, ++this.#count);
    this.#known.update((known) => without(known, id));
  }

  /** The stream says how a part is; the session's own word follows, and this one lights the part up a moment earlier. */
  hearProgress(progress: Progress): void {
    const session = get(this.#known).get(progress.session);
    if (!session?.services.some((part) => part.name === progress.part)) return;
    const services = session.services.map((part) =>
      part.name === progress.part ? { ...part, state: progress.state, reason: progress.reason } : part,
    );
    this.#put({ ...session, services });
  }

  /** An answer says how a session is, or was when it was asked (`since`); the stream may have said more meanwhile. */
  answer(session: Session, since: Mark): void {
    if ((this.#heard.get(session.id) ?? 0) > since) return;
    this.#put(session);
  }

  /** The list, whole. What the stream said while it was read stays. */
  replace(list: readonly Session[], since: Mark): void {
    const before = get(this.#known);
    const next = new Map<string, Session>();
    for (const session of list) {
      const newer = (this.#heard.get(session.id) ?? 0) > since;
      const kept = newer ? before.get(session.id) : session;
      if (kept) next.set(session.id, kept);
    }
    for (const [id, session] of before) {
      if (!next.has(id) && (this.#heard.get(id) ?? 0) > since) next.set(id, session);
    }
    this.#known.set(next);
    this.#loaded.set(true);
  }

  forget(id: string): void {
    this.#known.update((known) => without(known, id));
  }

  /** Another person, or another part of the list: nothing is known. */
  clear(): void {
    this.#known.set(new Map());
    this.#asked.set(new Map());
    this.#heard.clear();
    this.#loaded.set(false);
  }

  setAsked(id: string, change: Change | null): void {
    this.#asked.update((asked) => {
      const next = new Map(asked);
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

/** The newest first, and in the same place whatever happens to them: nothing jumps while it is looked at. */
export function inOrder(known: Known): Session[] {
  return [...known.values()].sort(
    (one, other) => other.created.localeCompare(one.created) || one.id.localeCompare(other.id),
  );
}

/** How many sessions each person has. */
export function perOwner(known: Known): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const { owner } of known.values()) found.set(owner, (found.get(owner) ?? 0) + 1);
  return found;
}
