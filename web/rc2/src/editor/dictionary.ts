/** The page's side of the worker that looks words up. */

import type { DictionaryName } from './spelling-languages.ts';

/** What the worker is asked: which of the words are wrong, or with `suggest` what one may be meant to be. */
export interface Asked {
  number: number;
  name: DictionaryName;
  words: readonly string[];
  suggest: boolean;
}
export interface Answer {
  number: number;
  found?: string[];
  problem?: string;
}

interface Waiting {
  resolve: (found: string[]) => void;
  reject: (why: Error) => void;
}

/** Words that are remembered, so that each is asked for once. */
const MOST_REMEMBERED = 50_000;

/** The worker is started with the first word that is looked up; one that is lost, with the next. */
class Dictionary {
  private worker: Worker | null = null;
  private number = 0;
  private readonly waiting = new Map<number, Waiting>();
  private readonly remembered = new Map<string, boolean>();

  /** Return those of the words that are wrong. */
  async wrong(name: DictionaryName, words: Iterable<string>): Promise<Set<string>> {
    const found = new Set<string>();
    const unknown = new Set<string>();
    for (const word of words) {
      const before = this.remembered.get(`${name} ${word}`);
      if (before === undefined) unknown.add(word);
      else if (before) found.add(word);
    }
    if (unknown.size === 0) return found;
    const wrong = new Set(await this.ask(name, [...unknown], false));
    if (this.remembered.size > MOST_REMEMBERED) this.remembered.clear();
    for (const word of unknown) {
      this.remembered.set(`${name} ${word}`, wrong.has(word));
      if (wrong.has(word)) found.add(word);
    }
    return found;
  }

  /** Return what a word may be meant to be. */
  meant(name: DictionaryName, word: string): Promise<string[]> {
    return this.ask(name, [word], true);
  }

  private ask(name: DictionaryName, words: readonly string[], suggest: boolean): Promise<string[]> {
    const worker = (this.worker ??= this.start());
    const number = (this.number += 1);
    worker.postMessage({ number, name, words, suggest } satisfies Asked);
    return new Promise((resolve, reject) => this.waiting.set(number, { resolve, reject }));
  }

  private start(): Worker {
    const worker = new Worker(new URL('./spelling-worker.ts', import.meta.url), { type: 'module' });
    worker.addEventListener('message', ({ data }: MessageEvent<Answer>) => {
      const { resolve, reject } = this.waiting.get(data.number) ?? {};
      this.waiting.delete(data.number);
      if (data.found) resolve?.(data.found);
      else reject?.(new Error(data.problem));
    });
    worker.addEventListener('error', () => {
      worker.terminate();
      this.worker = null;
      for (const { reject } of this.waiting.values()) reject(new Error('The worker has ended.'));
      this.waiting.clear();
    });
    return worker;
  }
}

export const dictionary = new Dictionary();
