/** Which sessions the event stream is about: mine, all, or one of somebody else's. One stream, whatever pages are open. */
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

export function isSameScope(one: StreamScope, other: StreamScope): boolean {
  return streamUrl(one) === streamUrl(other);
}

/** Whether a stream of the scope `wide` brings all that one of `scope` does. */
export function includes(wide: StreamScope, scope: StreamScope): boolean {
  return wide.of === 'all' || isSameScope(wide, scope);
}

/** Return the scope of the one stream that serves all these. */
export function unite(first: StreamScope, others: readonly StreamScope[]): StreamScope {
  return others.every((other) => isSameScope(first, other)) ? first : { of: 'all' };
}

/** Whether a session belongs to the scope of this person. */
export function concerns(scope: StreamScope, session: Session, user: string): boolean {
  return scope.of === 'all' || (scope.of === 'one' ? session.id === scope.id : session.owner === user);
}
