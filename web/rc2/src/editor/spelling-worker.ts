/**
 * Looks words up in a dictionary, beside the page: with Hunspell itself, since what knows German has to know how words are put together,
 * which its re-writings in JavaScript (nspell, typo-js) don't.
 */

import { createHunspellFromStrings, type Hunspell } from 'hunspell-wasm';
import germanRules from '../../../node_modules/dictionary-de/index.aff?url';
import germanWords from '../../../node_modules/dictionary-de/index.dic?url';
import britishRules from '../../../node_modules/dictionary-en-gb/index.aff?url';
import britishWords from '../../../node_modules/dictionary-en-gb/index.dic?url';
import americanRules from '../../../node_modules/dictionary-en/index.aff?url';
import americanWords from '../../../node_modules/dictionary-en/index.dic?url';
import type { Answer, Asked } from './dictionary.ts';
import { termsOf } from './spelling-terms.ts';
import type { DictionaryName } from './spelling-languages.ts';

const ADDRESSES: Record<DictionaryName, readonly [rules: string, words: string]> = {
  'en-us': [americanRules, americanWords],
  'en-gb': [britishRules, britishWords],
  de: [germanRules, germanWords],
};
const MOST_SUGGESTIONS = 6;

const read = new Map<DictionaryName, Promise<Hunspell>>();

function dictionary(name: DictionaryName): Promise<Hunspell> {
  let found = read.get(name);
  if (!found) {
    found = load(name);
    found.catch(() => read.delete(name));
    read.set(name, found);
  }
  return found;
}

async function load(name: DictionaryName): Promise<Hunspell> {
  const [rules, words] = await Promise.all(ADDRESSES[name].map(text));
  const found = await createHunspellFromStrings(rules ?? '', words ?? '');
  for (const { text: term, like } of termsOf(name))
    if (like === null) found.addWord(term);
    else found.addWordWithAffix(term, like);
  return found;
}

async function text(address: string): Promise<string> {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
  return answer.text();
}

self.addEventListener('message', ({ data }: MessageEvent<Asked>) => {
  void answer(data).then(
    (found) => self.postMessage({ number: data.number, found } satisfies Answer),
    (problem: unknown) =>
      self.postMessage({ number: data.number, problem: String(problem) } satisfies Answer),
  );
});

/** Return those of the words that are wrong, or what a wrong one may be meant to be. */
async function answer({ name, words, suggest }: Asked): Promise<string[]> {
  const found = await dictionary(name);
  if (!suggest) return words.filter((word) => !found.testSpelling(word));
  return words.flatMap((word) => found.getSpellingSuggestions(word)).slice(0, MOST_SUGGESTIONS);
}
