import { expect, it } from 'vitest';
import { dictionaryOf, dictionarySet } from './spelling-languages.ts';

it.each([
  ['en', null, 'en-us'],
  ['en', 'de', 'en-us'],
  ['en', 'en-gb', 'en-gb'],
  ['en-US', 'en-gb', 'en-us'],
  ['en_AU', null, 'en-gb'],
  ['de-CH', 'en-us', 'de'],
  ['fr', 'en-us', null],
] as const)('%s, where %s is set, is read with %s', (language, mine, expected) => {
  expect(dictionaryOf(language, mine)).toBe(expected);
});

it('what a person has set goes before what their browser speaks', () => {
  expect(dictionarySet('browser', 'de-AT')).toBe('de');
  expect(dictionarySet('browser', 'fr')).toBeNull();
  expect(dictionarySet('off', 'de')).toBeNull();
  expect(dictionarySet('en-gb', 'de')).toBe('en-gb');
});
