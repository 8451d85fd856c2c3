/** The one place where the parts of the pages are put together. */
import { derived, get, readonly, writable } from 'svelte/store';
import { toasts } from '@rsparkhub/ui';
import { Actions } from './state/actions.ts';
import { Api, Problem } from './state/api.ts';
import { Clock } from './state/clock.ts';
import { Feed } from './state/feed.ts';
import type { Environment, Me, Session } from './state/model.ts';
import { news } from './state/news.ts';
import { here, startRouter } from './state/router.ts';
import { safeNext } from './state/route.ts';
import { address, scope } from './state/scope.ts';
import { Sessions } from './state/sessions.ts';
import { coming } from './state/words.ts';

/** Who is signed in: not known yet, nobody, or the person. */
const person = writable<Me | null | undefined>(undefined);
export const me = readonly(person);

/** Whether somebody was signed in and no longer is: then the sign-in page says so. */
const ranOut = writable(false);
export const signedOut = readonly(ranOut);

const unreachable = writable<string | null>(null);
/** Why the first question was not answered. */
export const startProblem = readonly(unreachable);

export const clock = new Clock();

export const api = new Api({
  onTime: (time) => clock.heard(time),
  onSignedOut: () => {
    if (get(person)) ranOut.set(true);
    person.set(null);
  },
});

export const sessions = new Sessions();
export const actions = new Actions({ api, sessions, told: toasts });

const catalog = writable<Environment[] | null>(null);
export const environments = readonly(catalog);

const aloud = writable('');
/** What is said to a screen reader, once. */
export const announcement = readonly(aloud);
export function announce(text: string): void {
  aloud.set('');
  setTimeout(() => aloud.set(text), 60);
}

export const feed = new Feed({
  open: (url) => new EventSource(url),
  onOpen: () => void refresh(),
  onSession: (session) => {
    const told = isMine(session) ? news(get(sessions.known).get(session.id), session) : null;
    sessions.hear(session);
    if (told) announce(told);
  },
  onDeleted: (id) => sessions.hearDeleted(id),
  onProgress: (progress) => sessions.hearProgress(progress),
});

export function isMine(session: Session): boolean {
  return session.owner === get(person)?.name;
}

/** A tab nobody looks at lets go of its stream after a while, unless something is awaited in it. */
const AWAY = 60_000;
const asleep = writable(false);

/** What to listen to, as words that are equal when it is the same. */
const wished = derived([person, here, sessions.known, asleep], ([$person, $here, $known, $asleep]) => {
  if (!$person || $asleep || $here.route.page === 'gallery') return null;
  const shown = $here.route.page === 'session' ? $known.get($here.route.id) : undefined;
  return JSON.stringify(scope($here.route, $person, shown));
});

/** Read what the stream may have passed over. */
async function refresh(): Promise<void> {
  const wish = get(wished);
  if (wish === null) return;
  if (get(catalog) === null) void loadCatalog();
  const listening = JSON.parse(wish) as ReturnType<typeof scope>;
  const since = sessions.mark();
  try {
    if (listening.of === 'one') sessions.answer(await api.session(listening.id), since);
    else sessions.replace(await api.sessions(listening.of === 'all'), since);
  } catch (error) {
    // A session that is gone; or the hub is away, which the stream finds too, and then this is asked again.
    if (listening.of === 'one' && error instanceof Problem && error.status === 404)
      sessions.forget(listening.id);
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
    person.set(await api.me());
  } catch (error) {
    if (error instanceof Problem && error.status === 401) person.set(null);
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
  ranOut.set(false);
  sessions.clear();
  catalog.set(null);
  person.set(found);
}

export async function signOut(): Promise<void> {
  await api.logout();
  person.set(null);
  ranOut.set(false);
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
      asleep.set(false);
      feed.retry();
      return;
    }
    const rest = (): void => {
      if ([...get(sessions.known).values()].some(({ state }) => coming(state)))
        timer = setTimeout(rest, AWAY);
      else asleep.set(true);
    };
    timer = setTimeout(rest, AWAY);
  });
  addEventListener('online', () => feed.retry());
}

export function startApp(): void {
  startRouter();
  watchTab();
  wished.subscribe((wish) =>
    feed.listen(wish === null ? null : address(JSON.parse(wish) as ReturnType<typeof scope>)),
  );
  void whoAmI();
}
