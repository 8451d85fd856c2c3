/** Which page an address is. Pure: the router around it only moves. */

export const ADMIN_PAGES = ['sessions', 'people', 'environments', 'audit'] as const;
export type AdminPage = (typeof ADMIN_PAGES)[number];

export type Route =
  | { page: 'home' }
  | { page: 'session'; id: string }
  | { page: 'group'; name: string }
  | { page: 'account' }
  | { page: 'start' }
  | { page: 'admin'; part: AdminPage }
  | { page: 'gallery' }
  | { page: 'unknown' };

const ROOT = '/hub';

export function parse(path: string): Route {
  const [first, second, ...rest] = path
    .replace(/^\/hub\/?/, '')
    .split('/')
    .filter(Boolean);
  if (first === undefined) return { page: 'home' };
  if (rest.length > 0) return { page: 'unknown' };
  if (first === 'sessions' && second === undefined) return { page: 'home' };
  if (first === 'sessions' && second && /^[a-z0-9-]{1,64}$/.test(second))
    return { page: 'session', id: second };
  if (first === 'groups' && second && /^[a-z][a-z0-9_-]{0,31}$/.test(second))
    return { page: 'group', name: second };
  if (first === 'account' && second === undefined) return { page: 'account' };
  if (first === 'start' && second === undefined) return { page: 'start' };
  if (first === 'gallery' && second === undefined) return { page: 'gallery' };
  if (first === 'admin') {
    const part = ADMIN_PAGES.find((name) => name === (second ?? 'sessions'));
    if (part) return { page: 'admin', part };
  }
  return { page: 'unknown' };
}

export function path(route: Exclude<Route, { page: 'unknown' }>, query: Record<string, string> = {}): string {
  const search = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== '')).toString();
  const bare = {
    home: () => `${ROOT}/`,
    session: () => `${ROOT}/sessions/${(route as { id: string }).id}`,
    group: () => `${ROOT}/groups/${(route as { name: string }).name}`,
    account: () => `${ROOT}/account`,
    start: () => `${ROOT}/start`,
    admin: () => `${ROOT}/admin/${(route as { part: AdminPage }).part}`,
    gallery: () => `${ROOT}/gallery`,
  }[route.page]();
  return search ? `${bare}?${search}` : bare;
}

/** Return where to go after sign-in: an address of this hub or of one of its sessions; null for any other. */
export function safeNext(next: string | null, origin: string): string | null {
  if (!next) return null;
  let url: URL;
  try {
    url = new URL(next, origin);
  } catch {
    return null;
  }
  const hub = new URL(origin);
  const ours = url.origin === origin || (url.protocol === hub.protocol && url.host.endsWith(`.${hub.host}`));
  if (!ours) return null;
  if (url.origin !== origin) return url.href;
  return /^\/(hub|s)\//.test(url.pathname) ? url.pathname + url.search + url.hash : null;
}
