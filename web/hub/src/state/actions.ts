/** What a person asks for: said to the hub at once, shown as asked at once, and told when it did not work. */
import { get } from 'svelte/store';
import { intention, sentence, type Api, type Change } from './api.ts';
import type { Session } from './model.ts';
import type { Sessions } from './sessions.ts';

export interface Told {
  show: (text: string, options?: { meaning?: 'bad' | 'good' | 'neutral' }) => unknown;
}

/** How many calls go out at once when many rows are changed. */
const ABREAST = 6;

export class Actions {
  readonly #api: Pick<Api, 'start' | 'change'>;
  readonly #sessions: Sessions;
  readonly #told: Told;
  /** One intention for each environment until the hub answered: a second press, or a try again, starts nothing twice. */
  readonly #intentions = new Map<string, string>();

  constructor(parts: { api: Pick<Api, 'start' | 'change'>; sessions: Sessions; told: Told }) {
    this.#api = parts.api;
    this.#sessions = parts.sessions;
    this.#told = parts.told;
  }

  /** Start one; gives the session, or null when the hub refused (and said why). */
  async start(environment: string, name?: string): Promise<Session | null> {
    const wish = `${environment}\n${name ?? ''}`;
    const key = this.#intentions.get(wish) ?? intention();
    this.#intentions.set(wish, key);
    const since = this.#sessions.mark();
    try {
      const session = await this.#api.start(environment, key, name);
      this.#intentions.delete(wish);
      this.#sessions.answer(session, since);
      return session;
    } catch (error) {
      this.#told.show(sentence(error), { meaning: 'bad' });
      return null;
    }
  }

  /** Change one; true when the hub took it. */
  async change(id: string, change: Change): Promise<boolean> {
    const problem = await this.#try(id, change);
    if (problem) this.#told.show(problem, { meaning: 'bad' });
    return problem === null;
  }

  /** Change many, and say once how it went. */
  async changeAll(ids: readonly string[], change: Change, done: (count: number) => string): Promise<void> {
    const waiting = [...ids];
    const problems: string[] = [];
    const work = async (): Promise<void> => {
      for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
        const problem = await this.#try(id, change);
        if (problem) problems.push(problem);
      }
    };
    await Promise.all(Array.from({ length: ABREAST }, work));
    const worked = ids.length - problems.length;
    if (worked > 0) this.#told.show(done(worked));
    if (problems.length > 0) {
      const [first = ''] = problems;
      const more = problems.length === 1 ? 'One was not changed' : `${problems.length} were not changed`;
      this.#told.show(`${more}: ${first}`, { meaning: 'bad' });
    }
  }

  async #try(id: string, change: Change): Promise<string | null> {
    if (get(this.#sessions.asked).has(id)) return null; // the same press twice
    const since = this.#sessions.mark();
    this.#sessions.setAsked(id, change);
    try {
      const session = await this.#api.change(id, change);
      this.#sessions.answer(session, since);
      return null;
    } catch (error) {
      return sentence(error);
    } finally {
      this.#sessions.setAsked(id, null);
    }
  }
}
