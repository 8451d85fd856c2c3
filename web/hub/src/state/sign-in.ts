/** The ways to sign in that the hub offers, as far as this page can ask for what they take. */
import type { WayToSignIn } from './api-types.ts';

const ASKED = ['name', 'password'];

/** Return the ways whose fields the page has; none means that people sign in by links. */
export function askable(ways: readonly WayToSignIn[]): WayToSignIn[] {
  return ways.filter(({ fields }) => fields.length > 0 && fields.every((field) => ASKED.includes(field)));
}

/** Return the name of the way to sign in by; undefined leaves it to the hub. */
export function chosenWay(ways: readonly WayToSignIn[] | null, picked: string): string | undefined {
  return (ways?.find(({ name }) => name === picked) ?? ways?.[0])?.name;
}
