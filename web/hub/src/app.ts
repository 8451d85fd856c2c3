/** The one place where the parts of the pages are put together. */
import { derived, get, readonly, writable } from 'svelte/store';
import { toasts } from '@rsparkhub/ui';
import { Actions } from './state/actions.ts';
import { Api, errorMessage, idempotencyKey, Problem } from './state/api.ts';
import { Clock } from './state/clock.ts';
import type { HubEvent } from './state/event-stream.ts';
import type { Me, Session } from './state/model.ts';
import { announcementFor } from './state/announcement.ts';
import { followPage } from './state/page-lifecycle.ts';
import { Resource } from './state/resource.ts';
import { Retry, retryAll } from './state/retry.ts';
import { pageLocation, startRouter } from './state/router.ts';
import { roleOf, type Role } from './state/role.ts';
import { safeNext } from './state/route.ts';
import { pageOf } from './state/sign-in.ts';
import { SharedStream } from './state/shared-stream.ts';
import { storage } from './state/storage.ts';
import { concerns, streamScope, type StreamScope } from './state/stream-scope.ts';
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
  onSignedOut: () => becomeUser(null),
});

export const sessions = new Sessions();
export const actions = new Actions({ api, sessions, notifications: toasts });

/** What can be started, and what is wrong with its files. */
export const catalog = new Resource(() => api.catalog());
export const environments = derived(catalog, ({ data }) => data?.environments ?? null);
/** The environment of a session, where the catalog has it and this person may see it. */
export const environmentOf = derived(
  environments,
  ($environments) => (session: Session) => $environments?.find(({ name }) => name === session.environment),
);

/** What others share with this person. */
export const shared = new Resource(() => api.sharedSessions());
/** What this person is in a session. */
export const role = derived(
  [currentUser, shared],
  ([$user, { data }]) =>
    (session: Session): Role =>
      $user ? roleOf(session, $user, data) : 'viewer',
);

const announced = writable('');
/** What a screen reader announces, once. */
export const announcement = readonly(announced);
export function announce(text: string): void {
  announced.set('');
  setTimeout(() => announced.set(text), 60);
}

const life = followPage({ window, document, onRestored: () => void restore() });

export const eventStream = new SharedStream({
  tab: idempotencyKey(),
  open: (url) => new EventSource(url),
  openChannel: (name) => new BroadcastChannel(name),
  // Missing where the page is no secure context: over plain HTTP from another machine.
  locks: 'locks' in navigator ? navigator.locks : undefined,
  onOpen: refresh,
  onEvent: (event) => apply(event),
  // The stream does not say why it was refused.
  onError: () => void whoAmI(),
  onUser: (name) => followUser(name),
});

/** Whether this tab holds connections that stay open; at most one of a browser's tabs does. */
export const holdsConnections = eventStream.leads;

/** Whether somebody may see this page now. */
export const pageShown = life.shown;

function apply(event: HubEvent): void {
  switch (event.name) {
    case 'session': {
      // The stream of all tabs may bring more than this one asked for.
      const scope = currentScope();
      const user = get(currentUser);
      if (!user || (scope && !concerns(scope, event.data, user.name))) return;
      const before = get(sessions.known).get(event.data.id);
      const text = isMine(event.data) ? announcementFor(before, event.data) : null;
      sessions.applySession(event.data);
      if (text) announce(text);
      return;
    }
    case 'deleted':
      sessions.applyDeletion(event.data.id);
      return;
    case 'progress':
      sessions.applyProgress(event.data);
  }
}

export function isMine(session: Session): boolean {
  return session.owner === get(currentUser)?.name;
}

/** The scope of what this page shows as JSON, which is equal for equal scopes; null where it shows no sessions. */
const scopeJson = derived([currentUser, pageLocation, sessions.known], ([$user, $pageLocation, $known]) => {
  if (!$user || $pageLocation.route.page === 'gallery') return null;
  const shown = $pageLocation.route.page === 'session' ? $known.get($pageLocation.route.id) : undefined;
  return JSON.stringify(streamScope($pageLocation.route, $user, shown));
});

function currentScope(): StreamScope | null {
  const json = get(scopeJson);
  return json === null ? null : (JSON.parse(json) as StreamScope);
}

/** Read the sessions anew, until the hub has answered: the stream may have missed events. */
const list = new Retry(async () => {
  const scope = currentScope();
  if (!scope) return;
  const since = sessions.mark();
  try {
    if (scope.of === 'one') sessions.applyResponse(await api.session(scope.id), since);
    else {
      const [found, other] = await Promise.all([api.sessions(scope.of === 'all'), sharedOnPage(scope)]);
      sessions.applyList(other ? [...found, other] : found, since);
    }
  } catch (error) {
    if (scope.of === 'one' && error instanceof Problem && error.status === 404) sessions.remove(scope.id);
    throw error;
  }
});

/** The id of somebody else's session that this page shows, where the stream is about one's own alone. */
const otherOnPage = derived([currentUser, pageLocation, sessions.known], ([$user, $pageLocation, $known]) => {
  if (!$user || $user.admin || $pageLocation.route.page !== 'session') return null;
  const shown = $known.get($pageLocation.route.id);
  return shown && shown.owner !== $user.name ? shown.id : null;
});

/** Read somebody else's session that the page shows; null where there is none, or where it is shared no longer. */
async function sharedOnPage(scope: StreamScope): Promise<Session | null> {
  const id = get(otherOnPage);
  if (id === null || scope.of !== 'mine') return null;
  try {
    return await api.session(id);
  } catch (error) {
    if (error instanceof Problem && error.status === 404) return null;
    throw error;
  }
}

/** Read everything anew that the page shows: the stream is open, so the hub is there. */
function refresh(): void {
  void list.run();
  void catalog.load();
  void shared.load();
  retryAll();
}

let asking: Promise<void> | null = null;
const who = new Retry(async () => {
  try {
    becomeUser(await api.me());
  } catch (error) {
    if (error instanceof Problem && error.status === 401) becomeUser(null);
    else {
      unreachable.set(errorMessage(error));
      if (get(currentUser) === undefined) throw error; // nothing can be shown before it is known
    }
    return;
  }
  unreachable.set(null);
});

/** Ask who is signed in, and follow the answer. While nothing is known, it is asked again until the hub answers. */
export function whoAmI(): Promise<void> {
  asking ??= who.run().finally(() => (asking = null));
  return asking;
}

/** The browser's storage says to a page that was left who is signed in now, before the hub is asked. */
const USER_KEY = 'rsparkhub.user';

/** Show the pages of this person, or those of nobody; the other tabs do the same. */
function becomeUser(user: Me | null): void {
  const before = get(currentUser);
  if (before?.name !== user?.name) forget();
  if (before && !user) expired.set(true);
  if (user) expired.set(false);
  if (JSON.stringify(before) === JSON.stringify(user)) return;
  currentUser.set(user);
  storage.set(USER_KEY, user?.name ?? '');
  eventStream.announceUser(user?.name ?? null);
}

function forget(): void {
  sessions.clear();
  catalog.clear();
  shared.clear();
}

/** Follow what another tab has found out: null for nobody. */
function followUser(name: string | null): void {
  if ((get(currentUser)?.name ?? null) === name) return;
  if (name === null) becomeUser(null);
  else void whoAmI();
}

/** Make a page true again that was left and is shown once more; another person may be signed in meanwhile. */
async function restore(): Promise<void> {
  if (storage.get(USER_KEY) !== (get(currentUser)?.name ?? '')) {
    forget();
    currentUser.set(undefined);
  }
  await whoAmI();
}

export async function signIn(name: string, password: string, way?: string): Promise<void> {
  const found = await api.login(name, password, way);
  const next = safeNext(new URLSearchParams(location.search).get('next'), location.origin);
  if (next && !next.startsWith('/hub/')) {
    location.assign(next);
    return;
  }
  history.replaceState(null, '', next ?? pageOf(location.href));
  dispatchEvent(new PopStateEvent('popstate'));
  becomeUser(found);
}

export async function signOut(): Promise<void> {
  let elsewhere: string | null = null;
  try {
    elsewhere = await api.logout();
  } catch (error) {
    // Who was signed out before has got there.
    if (!(error instanceof Problem && error.status === 401)) {
      toasts.show(errorMessage(error), { meaning: 'bad' });
      return;
    }
  }
  becomeUser(null);
  expired.set(false);
  if (elsewhere?.startsWith('/hub/')) {
    location.assign(elsewhere);
    return;
  }
  history.replaceState(null, '', '/hub/');
  dispatchEvent(new PopStateEvent('popstate'));
}

const HIDDEN_POLL = 4_000; // ms

/**
 * Read a session that starts from time to time while nobody looks and no tab holds the stream: the page's title says when
 * it is ready, and it opens by itself.
 */
function pollWhileHidden(): void {
  let timer: ReturnType<typeof setInterval> | undefined;
  const starting = derived(
    [life.shown, life.awake, pageLocation, sessions.known],
    ([$shown, $awake, $pageLocation, $known]) => {
      const { route } = $pageLocation;
      if ($shown || !$awake || route.page !== 'session') return null;
      const session = $known.get(route.id);
      return session && isStarting(session.state) ? session.id : null;
    },
  );
  starting.subscribe((id) => {
    clearInterval(timer);
    if (id !== null) timer = setInterval(() => void readSession(id), HIDDEN_POLL);
  });
}

const SHARED_POLL = 3_000; // ms

/** Read somebody else's session from time to time while it is looked at. */
function pollShared(): void {
  let timer: ReturnType<typeof setInterval> | undefined;
  derived([life.shown, otherOnPage], ([$shown, $other]) => ($shown ? $other : null)).subscribe((id) => {
    clearInterval(timer);
    if (id !== null) timer = setInterval(() => void readSession(id), SHARED_POLL);
  });
}

async function readSession(id: string): Promise<void> {
  const since = sessions.mark();
  try {
    sessions.applyResponse(await api.session(id), since);
  } catch (error) {
    if (!(error instanceof Problem)) throw error; // asked again
    if (error.status === 404 && get(otherOnPage) === id) sessions.remove(id);
  }
}

export function startApp(): void {
  startRouter();
  // First what is wanted, so that a page that is left says so before it falls silent.
  derived([scopeJson, currentUser, life.shown], ([$scopeJson, $user, $shown]) =>
    $shown && $scopeJson !== null && $user ? `${$user.name} ${$scopeJson}` : null,
  ).subscribe((wanted) => {
    const user = get(currentUser);
    const scope = currentScope();
    eventStream.want(wanted !== null && user && scope ? { user: user.name, scope } : null);
  });
  life.awake.subscribe((awake) => eventStream.listen(awake));
  pollWhileHidden();
  pollShared();
  addEventListener('online', () => {
    eventStream.reconnect();
    retryAll();
  });
  void whoAmI();
}
