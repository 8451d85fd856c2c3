/** The address and the page are one: links are real, Back works, and a page can be sent to somebody. */
import { get, readonly, writable } from 'svelte/store';
import { parse, type Route } from './route.ts';

export interface Place {
  route: Route;
  query: URLSearchParams;
  /** Grows when the page (not only its query) changes: the focus moves then. */
  visit: number;
}

const place = writable<Place>(read(0));
export const here = readonly(place);

function read(visit: number): Place {
  return { route: parse(location.pathname), query: new URLSearchParams(location.search), visit };
}

function moved(): void {
  const before = get(place);
  const next = read(before.visit);
  if (JSON.stringify(next.route) !== JSON.stringify(before.route)) next.visit++;
  place.set(next);
}

export function go(path: string): void {
  history.pushState(null, '', path);
  moved();
  scrollTo(0, 0);
}

/** Another query of the same page: no new entry in the history, so that Back leaves the page. */
export function replace(path: string): void {
  history.replaceState(null, '', path);
  moved();
}

/** Links to our own pages are followed here; all else is the browser's. */
function followed(event: MouseEvent): void {
  if (
    event.defaultPrevented ||
    event.button !== 0 ||
    event.metaKey ||
    event.ctrlKey ||
    event.shiftKey ||
    event.altKey
  )
    return;
  const link = event.target instanceof Element ? event.target.closest('a') : null;
  if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return;
  if (!/^\/hub(\/|$)/.test(link.pathname) || link.pathname.startsWith('/hub/api/')) return;
  if (link.hash && link.pathname === location.pathname) return;
  event.preventDefault();
  go(link.pathname + link.search);
}

export function startRouter(): void {
  addEventListener('popstate', moved);
  document.addEventListener('click', followed);
}
