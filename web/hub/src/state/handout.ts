/** The files that a link brings into a session: asked for when it runs, and followed until they are there. */
import { readonly, writable, type Readable } from 'svelte/store';
import { errorMessage, type Api } from './api.ts';
import type { HandoutView, NewHandout } from './api-types.ts';
import { isTemporary } from './retry.ts';

/** How far it is; `failed` has a sentence, and can be tried again. */
export type HandoutState =
  | { kind: 'waiting' }
  | { kind: 'running'; step: string }
  | { kind: 'failed'; reason: string }
  | { kind: 'done'; notes: readonly string[]; url: string };

export type Keep = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

const POLL = 500; // ms
const TRIES = 20; // without an answer, before it is given up
const key = (session: string): string => `rsparkhub.handout.${session}`;

/** Remember in this tab what is to be brought into a session, until it is. */
export function keepHandout(keep: Keep, session: string, handout: NewHandout): void {
  try {
    keep.setItem(key(session), JSON.stringify(handout));
  } catch {
    // Storage is turned off: the session opens without the files, and the link can be opened again.
  }
}

/** Return what is to be brought into a session; null where nothing is. */
export function keptHandout(keep: Keep, session: string): NewHandout | null {
  try {
    const text = keep.getItem(key(session));
    return text === null ? null : (JSON.parse(text) as NewHandout);
  } catch {
    return null;
  }
}

export class Handout {
  readonly asked: NewHandout;
  readonly state: Readable<HandoutState>;
  readonly #state = writable<HandoutState>({ kind: 'waiting' });
  readonly #api: Pick<Api, 'bring' | 'handout'>;
  readonly #session: string;
  readonly #keep: Keep;
  readonly #pause: (ms: number) => Promise<void>;
  #turn = 0;

  constructor(parts: {
    api: Pick<Api, 'bring' | 'handout'>;
    session: string;
    asked: NewHandout;
    keep: Keep;
    pause?: (ms: number) => Promise<void>;
  }) {
    this.#api = parts.api;
    this.#session = parts.session;
    this.asked = parts.asked;
    this.#keep = parts.keep;
    this.#pause = parts.pause ?? ((ms) => new Promise((resolve) => setTimeout(resolve, ms)));
    this.state = readonly(this.#state);
  }

  /** Bring it, and follow it to its end; a later call takes the place of an earlier one. */
  async run(): Promise<void> {
    const turn = ++this.#turn;
    this.#state.set({ kind: 'running', step: 'Getting the files' });
    try {
      let view = await this.#api.bring(this.#session, this.asked);
      for (let silent = 0; view.state === 'running';) {
        if (turn !== this.#turn) return;
        this.#state.set({ kind: 'running', step: view.step });
        await this.#pause(POLL);
        try {
          view = await this.#api.handout(this.#session, view.id);
          silent = 0;
        } catch (error) {
          if (!isTemporary(error) || ++silent === TRIES) throw error;
        }
      }
      if (turn === this.#turn) this.#end(view);
    } catch (error) {
      if (turn === this.#turn) this.#state.set({ kind: 'failed', reason: errorMessage(error) });
    }
  }

  /** Follow it no more; it goes on in the session. */
  stop(): void {
    this.#turn++;
  }

  /** Bring it no more when this page comes again. */
  forget(): void {
    this.#keep.removeItem(key(this.#session));
  }

  #end(view: HandoutView): void {
    if (view.state === 'done') {
      this.forget();
      this.#state.set({ kind: 'done', notes: view.notes, url: view.url });
    } else
      this.#state.set({
        kind: 'failed',
        reason: view.reason ?? 'The files could not be brought. Try again.',
      });
  }
}
