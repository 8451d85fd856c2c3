/** Which sessions the event stream of a page is about: mine, all, or one of somebody else's. One stream, whatever page. */
import type { Me, Session } from './model.ts';
import type { Route } from './route.ts';

export type StreamScope = { of: 'mine' } | { of: 'all' } | { of: 'one'; id: string };

export function streamScope(route: Route, me: Me, shown: Session | undefined): StreamScope {
  if (!me.admin) return { of: 'mine' };
  if (route.page === 'admin' && route.part !== 'audit') return { of: 'all' };
  if (route.page === 'session' && shown && shown.owner !== me.name) return { of: 'one', id: shown.id };
  return { of: 'mine' };
}

/** Return the address of the stream. */
export function streamUrl(scope: StreamScope): string {
  switch (scope.of) {
    case 'mine':
      return '/hub/api/events';
    case 'all':
      return '/hub/api/events?all=true';
    case 'one':
      return `/hub/api/sessions/${scope.id}/events?watch=true`;
  }
}
