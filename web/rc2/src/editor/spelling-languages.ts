/** Which dictionary a document is read with: what its head names, what the person has set, what the browser speaks. */

import type { Settings } from '../state/settings.svelte.ts';

/** Dictionaries that there are. */
export type DictionaryName = 'en-us' | 'en-gb' | 'de';

/** Return the dictionary for a language such as `en`, `en-AU` or `de_CH`; null where there is none. `mine` says which English `en` is. */
export function dictionaryOf(language: string, mine: DictionaryName | null): DictionaryName | null {
  const [spoken, region] = language.toLowerCase().split(/[-_]/);
  if (spoken === 'de') return 'de';
  if (spoken !== 'en') return null;
  if (region === undefined) return mine === 'en-gb' ? 'en-gb' : 'en-us';
  return region === 'us' ? 'en-us' : 'en-gb'; // also of Australia, Ireland, India and others
}

/** Return the dictionary that a person has set. */
export const dictionarySet = (set: Settings['spelling'], browser: string): DictionaryName | null =>
  set === 'browser' ? dictionaryOf(browser, null) : set === 'off' ? null : set;
