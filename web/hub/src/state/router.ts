/** The address and the page are one: links are real, Back works, and a page can be sent to somebody. */
import { get, readonly, writable } from 'svelte/store';
import { languageWaits } from './language.ts';
import { parse, type Route } from './route.ts';

export interface PageLocation {
  route: Route;
  query: URLSearchParams;
  /** Grows when the page (not only its query) changes: the focus moves then. */
  visit: number;
}

const current = writable<PageLocation>(read(0));
export const pageLocation = readonly(current);

function read(visit: number): PageLocation {
  return { route: parse(location.pathname), query: new URLSearchParams(location.search), visit };
}

function update(): void {
  const before = get(current);
  const next = read(before.visit);
  if (JSON.stringify(next.route) !== JSON.stringify(before.route)) next.visit++;
  current.set(next);
}

/** Go to a page of ours. */
export function go(path: string): void {
  if (languageWaits()) {
    location.assign(path);
    return;
  }
  history.pushState(null, '', path);
  update();
  scrollTo(0, 0);
}

/** Change the query of the page without a new entry in the history, so that Back leaves the page. */
export function replace(path: string): void {
  history.replaceState(null, '', path);
  update();
}

/** Follow a link to one of our own pages; all else is left to the browser. */
function followLink(event: MouseEvent): void {
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
  addEventListener('popstate', update);
  document.addEventListener('click', followLink);
}
