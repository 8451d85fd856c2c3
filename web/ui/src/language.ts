/** The language in which the pages are built: each has a build of its own, in which all words are there from the start. */

/** Set by the build; missing where pages have English alone, and in tests. */
declare const __LANGUAGE__: string | undefined;

/** As BCP 47 has it. */
export const LANGUAGE = typeof __LANGUAGE__ === 'undefined' ? 'en' : __LANGUAGE__;

/** By what dates, numbers, lists and the order of words are written. English has the day before the month. */
export const LOCALE = LANGUAGE === 'en' ? 'en-GB' : LANGUAGE;

/** Say which of a word's forms goes with a number: one, or many. A language's catalog has its own. */
export type FormOf = (n: number) => number;

/** A number with its word, as in "1 session" and "2,000 sessions". The build puts in the forms of its language. */
export function count(
  n: number,
  forms: readonly string[],
  formOf: FormOf = (n) => (n === 1 ? 0 : 1),
): string {
  return `${n.toLocaleString(LOCALE)} ${forms[formOf(n)] ?? ''}`;
}
