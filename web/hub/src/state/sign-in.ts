/** The ways to sign in that the hub offers, as far as this page can ask for what they take. */
import type { WayToSignIn } from './api-types.ts';

const ASKED = ['name', 'password'];

/** Return the ways whose fields the page has; none means that people sign in by links. */
export function askable(ways: readonly WayToSignIn[]): WayToSignIn[] {
  return ways.filter(({ fields }) => fields.length > 0 && fields.every((field) => ASKED.includes(field)));
}

/** A way whose button leads to another site. */
export type Elsewhere = WayToSignIn & { url: string };

/** Return the ways that lead to other sites. */
export function elsewhere(ways: readonly WayToSignIn[]): Elsewhere[] {
  return ways.filter((way): way is Elsewhere => way.url !== null && /^https?:\/\//.test(way.url));
}

/** Return the page that an address is, as it was: without what brought the person to the sign-in, and what went wrong there. */
export function pageOf(address: string): string {
  const { pathname, searchParams } = new URL(address);
  for (const key of ['next', 'link', 'problem']) searchParams.delete(key);
  return searchParams.size > 0 ? `${pathname}?${searchParams}` : pathname;
}

/** Return where the button of such a way leads; afterwards the browser goes to `next`, where there is one. */
export function departure(way: Elsewhere, next: string | null): string {
  return next ? `${way.url}?${new URLSearchParams({ next }).toString()}` : way.url;
}

/** What went wrong at another site, by what the hub calls it (auth/sign_in/base.py). */
const PROBLEMS: ReadonlyMap<string, string> = new Map([
  ['start-again', 'This sign-in took too long, or was begun in another browser. Start it again.'],
  ['refused', 'The other site has not signed you in. Try again, or sign in another way.'],
  ['unreachable', 'The other site does not answer. Try again in a minute, or sign in another way.'],
  [
    'untrusted',
    'The answer of the other site can’t be trusted. Try again; if it stays so, tell your administrator.',
  ],
  ['name', 'Your name at the other site can’t be one here. Ask your administrator.'],
  [
    'taken',
    'Somebody here has your name already. If that is you, sign in as before, or ask your administrator.',
  ],
  ['stranger', 'You have no account here yet. Ask your administrator to add you.'],
  ['disabled', 'Your account here is disabled. Your sessions and files are kept. Ask your administrator.'],
]);

/** Return the sentence for what went wrong; null where nothing did that is known. */
export function problemElsewhere(code: string | null): string | null {
  return code === null ? null : (PROBLEMS.get(code) ?? null);
}

/** Return the name of the way to sign in by; undefined leaves it to the hub. */
export function chosenWay(ways: readonly WayToSignIn[] | null, picked: string): string | undefined {
  return (ways?.find(({ name }) => name === picked) ?? ways?.[0])?.name;
}
