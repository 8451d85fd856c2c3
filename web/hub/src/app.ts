/** The one place where the parts of the pages are put together. */
import { derived, get, readonly, writable } from 'svelte/store';
import { toasts } from '@rsparkhub/ui';
import { Actions } from './state/actions.ts';
import { Api, Problem } from './state/api.ts';
import { Clock } from './state/clock.ts';
import { EventStream } from './state/event-stream.ts';
import type { Environment, Me, Session } from './state/model.ts';
import { announcementFor } from './state/announcement.ts';
import { pageLocation, startRouter } from './state/router.ts';
import { safeNext } from './state/route.ts';
import { streamScope, streamUrl, type StreamScope } from './state/stream-scope.ts';
import { Sessions } from './state/sessions.ts';
import { isStarting } from './state/session-text.ts';

/** Who is signed in: undefined until known, null for nobody. */
const currentUser = writable<Me | null | undefined>(undefined);
export const me = readonly(currentUser);

/** Whether somebody was signed in and no longer is: then the sign-in page says so. */
const expired = writable(false);
export const signedOut = readonly(expired);

const unreachable = writable<string | null>(null);
/** Why the first question was not answered. */
export const startProblem = readonly(unreachable);

export const clock = new Clock();

export const api = new Api({
  onTime: (time) => clock.synchronize(time),
  onSignedOut: () => {
    if (get(currentUser)) expired.set(true);
    currentUser.set(null);
  },
});

export const sessions = new Sessions();
export const actions = new Actions({ api, sessions, notifications: toasts });

const catalog = writable<Environment[] | null>(null);
export const environments = readonly(catalog);
/** The environment of a session, where the catalog has it and this person may see it. */
export const environmentOf = derived(
  environments,
  ($environments) => (session: Session) => $environments?.find(({ name }) => name === session.environment),
);

const announced = writable('');
/** What a screen reader announces, once. */
export const announcement = readonly(announced);
export function announce(text: string): void {
  announced.set('');
  setTimeout(() => announced.set(text), 60);
}

export const eventStream = new EventStream({
  open: (url) => new EventSource(url),
  onOpen: () => void refresh(),
  onSession: (session) => {
    const text = isMine(session) ? announcementFor(get(sessions.known).get(session.id), session) : null;
    sessions.applySession(session);
    if (text) announce(text);
  },
  onDeleted: (id) => sessions.applyDeletion(id),
  onProgress: (progress) => sessions.applyProgress(progress),
});

export function isMine(session: Session): boolean {
  return session.owner === get(currentUser)?.name;
}

/** ms until a hidden tab disconnects its stream, unless a session starts in it. */
const HIDDEN_TIMEOUT = 60_000;
const disconnected = writable(false);

/** The scope of the stream as JSON, which is equal for equal scopes; null for no stream. */
const scopeJson = derived(
  [currentUser, pageLocation, sessions.known, disconnected],
  ([$user, $pageLocation, $known, $disconnected]) => {
    if (!$user || $disconnected || $pageLocation.route.page === 'gallery') return null;
    const shown = $pageLocation.route.page === 'session' ? $known.get($pageLocation.route.id) : undefined;
    return JSON.stringify(streamScope($pageLocation.route, $user, shown));
  },
);

/** Read the sessions anew: the stream may have missed events. */
async function refresh(): Promise<void> {
  const json = get(scopeJson);
  if (json === null) return;
  if (get(catalog) === null) void loadCatalog();
  const scope = JSON.parse(json) as StreamScope;
  const since = sessions.mark();
  try {
    if (scope.of === 'one') sessions.applyResponse(await api.session(scope.id), since);
    else sessions.applyList(await api.sessions(scope.of === 'all'), since);
  } catch (error) {
    // A session that is gone; or the hub is away, which the stream finds too, and then this is asked again.
    if (scope.of === 'one' && error instanceof Problem && error.status === 404) sessions.remove(scope.id);
  }
}

export async function loadCatalog(): Promise<void> {
  try {
    catalog.set(await api.environments());
  } catch (error) {
    if (error instanceof Problem) return; // read again when the stream opens
    throw error;
  }
}

export async function whoAmI(): Promise<void> {
  unreachable.set(null);
  try {
    currentUser.set(await api.me());
  } catch (error) {
    if (error instanceof Problem && error.status === 401) currentUser.set(null);
    else
      unreachable.set(
        error instanceof Problem ? error.message : 'Something went wrong on this page. Reload it.',
      );
  }
}

export async function signIn(name: string, password: string): Promise<void> {
  const found = await api.login(name, password);
  const next = safeNext(new URLSearchParams(location.search).get('next'), location.origin);
  if (next && !next.startsWith('/hub/')) {
    location.assign(next);
    return;
  }
  history.replaceState(null, '', next ?? location.pathname);
  dispatchEvent(new PopStateEvent('popstate'));
  expired.set(false);
  sessions.clear();
  catalog.set(null);
  currentUser.set(found);
}

export async function signOut(): Promise<void> {
  await api.logout();
  currentUser.set(null);
  expired.set(false);
  sessions.clear();
  catalog.set(null);
  history.replaceState(null, '', '/hub/');
  dispatchEvent(new PopStateEvent('popstate'));
}

function watchTab(): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  document.addEventListener('visibilitychange', () => {
    clearTimeout(timer);
    if (document.visibilityState === 'visible') {
      disconnected.set(false);
      eventStream.reconnect();
      return;
    }
    const disconnect = (): void => {
      if ([...get(sessions.known).values()].some(({ state }) => isStarting(state)))
        timer = setTimeout(disconnect, HIDDEN_TIMEOUT);
      else disconnected.set(true);
    };
    timer = setTimeout(disconnect, HIDDEN_TIMEOUT);
  });
  addEventListener('online', () => eventStream.reconnect());
}

export function startApp(): void {
  startRouter();
  watchTab();
  scopeJson.subscribe((json) =>
    eventStream.connect(json === null ? null : streamUrl(JSON.parse(json) as StreamScope)),
  );
  void whoAmI();
}
