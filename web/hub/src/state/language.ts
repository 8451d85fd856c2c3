/**
 * The language that a person chooses for the pages. Each has a build of its own, and the hub serves the one that was chosen,
 * or else what the browser asks for: so the choice is a cookie, and another language comes with the next load.
 */
import { LANGUAGE } from '@rsparkhub/ui/language';
import languages from '@rsparkhub/ui/languages.json' with { type: 'json' };

/** What there is to choose, each in its own words. */
export const LANGUAGES = Object.entries(languages).map(([value, text]) => ({ value, text }));

/** The hub reads it too (api/language.py). */
const COOKIE = 'rsparkhub_language';
const YEAR = 365 * 24 * 60 * 60; // seconds

/** The fields that somebody may have written into. */
const FIELDS = 'input:not([hidden], [type=hidden], [type=checkbox], [type=radio], [type=search]), textarea';

let waiting = false;

/** Whether a language was chosen in which these pages are not yet. */
export function languageWaits(): boolean {
  return waiting;
}

/** Remember the language for all pages from the next load on. */
function rememberLanguage(language: string): void {
  const secure = location.protocol === 'https:' ? '; Secure' : '';
  document.cookie = `${COOKIE}=${language}; Path=/hub; Max-Age=${YEAR}; SameSite=Lax${secure}`;
}

/**
 * Show the pages in a language: at once, or from the next page on where this one has what somebody has `written`. Return
 * whether it is at once.
 */
export function chooseLanguage(language: string, written = isWritten()): boolean {
  rememberLanguage(language);
  waiting = language !== LANGUAGE;
  if (waiting && written) return false;
  if (waiting) location.reload();
  return true;
}

/** Whether a field has something in it. */
function isWritten(): boolean {
  return [...document.querySelectorAll<HTMLInputElement>(FIELDS)].some(({ value }) => value !== '');
}
