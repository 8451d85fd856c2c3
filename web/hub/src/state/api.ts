/** The calls of the hub's API, typed. What goes wrong is raised as a `Problem` whose message is a sentence for the person. */
import type {
  Audit,
  BrowserList,
  CourseDataView,
  CourseFolderList,
  CourseFolderRule,
  CourseFolderView,
  CourseView,
  HandInList,
  HandInView,
  CreatedToken,
  EnvironmentList,
  GroupList,
  HandoutView,
  LinkView,
  LogServices,
  NewHandout,
  NewLink,
  NewUser,
  RemovedGroupList,
  RemovedUserList,
  RosterResult,
  NewShare,
  SessionList,
  SharedSessionList,
  ShareList,
  SignedIn,
  SignedOut,
  SignInLink,
  TokenList,
  UserList,
  WayToSignIn,
} from './api-types.ts';
import type {
  Browser,
  Group,
  Me,
  RemovedGroup,
  RemovedUser,
  Scope,
  Session,
  Share,
  SharedSession,
  Token,
  User,
} from './model.ts';
import type { Choices } from './start-options.ts';

export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  /** Seconds, where the hub says when to try again. */
  readonly retryAfter: number | null;
  /** Of `busy`: what computes, and would be ended. */
  readonly running: readonly string[];

  constructor(
    message: string,
    status: number,
    code: string,
    retryAfter: number | null = null,
    running: readonly string[] = [],
  ) {
    super(message);
    this.running = running;
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

export type Change = 'suspend' | 'resume' | 'stop' | 'delete';
/** What a person agreed to lose: what computes (`confirm`), by a sleep also what can't be kept (`force`). */
export type Consent = 'none' | 'confirm' | 'force';
type Body = Record<string, unknown>;

const ROOT = '/hub/api';
const TIMEOUT = 20_000; // ms until a response is given up
const PAGE = 500; // sessions in one response
const TAIL = 1_000_000; // bytes of a log to begin with
const SHORT_TAIL = 200_000; // bytes of a log that is read again and again

const UNREACHABLE = 'RSparkHub does not answer. Your sessions go on; try again in a moment.';

export interface ApiOptions {
  fetch?: typeof fetch;
  /** Called with the hub's own time (ms since 1970) of each response: the clock of this computer may be wrong. */
  onTime?: (time: number) => void;
  /** Called when a response says that nobody is signed in. */
  onSignedOut?: () => void;
}

export class Api {
  readonly #fetch: typeof fetch;
  readonly #options: ApiOptions;

  constructor(options: ApiOptions = {}) {
    this.#fetch = options.fetch ?? ((input, init) => fetch(input, init));
    this.#options = options;
  }

  me = (): Promise<Me> => this.#get('/me');
  waysToSignIn = (): Promise<WayToSignIn[]> => this.#get('/login');
  /** Without a `way` the hub takes its first. */
  login = async (name: string, password: string, way?: string): Promise<Me> =>
    (await this.#send<SignedIn>('POST', '/login', { name, password, ...(way && { way }) })).user;
  /** Return where to sign out too; null for nowhere. */
  logout = async (): Promise<string | null> => (await this.#send<SignedOut>('POST', '/logout')).url ?? null;

  catalog = (): Promise<EnvironmentList> => this.#get('/environments');

  session = (id: string): Promise<Session> => this.#get(`/sessions/${encodeURIComponent(id)}`);
  start = (environment: string, key: string, name?: string, options: Choices = {}): Promise<Session> =>
    this.#send(
      'POST',
      '/sessions',
      { environment, ...(name ? { name } : {}), ...chosen(options) },
      { 'Idempotency-Key': key },
    );

  /** Return the person's session of an environment, on its way to running: the one that there is, or a new one. */
  startOrWake = (environment: string, options: Choices = {}): Promise<Session> =>
    this.#send('POST', '/sessions', { environment, reuse: true, ...chosen(options) });
  /** Bring files into a session, and return how far it is. */
  bring = (id: string, handout: NewHandout): Promise<HandoutView> =>
    this.#send('POST', `/sessions/${encodeURIComponent(id)}/handouts`, { ...handout });
  handout = (id: string, handout: string): Promise<HandoutView> =>
    this.#get(`/sessions/${encodeURIComponent(id)}/handouts/${encodeURIComponent(handout)}`);
  makeLink = (link: NewLink): Promise<LinkView> => this.#send('POST', '/links', { ...link });

  /** Return all sessions of the person, or of everybody. */
  async sessions(all: boolean): Promise<Session[]> {
    const found: Session[] = [];
    let after: string | null = null;
    do {
      const query = new URLSearchParams({ limit: String(PAGE) });
      if (all) query.set('all', 'true');
      if (after) query.set('after', after);
      const page: SessionList = await this.#get(`/sessions?${query}`);
      found.push(...page.sessions);
      after = page.next;
    } while (after);
    return found;
  }

  change(id: string, change: Change, consent: Consent = 'none'): Promise<Session> {
    const path = `/sessions/${encodeURIComponent(id)}`;
    if (change === 'delete') return this.#send('DELETE', consent === 'none' ? path : `${path}?confirm=true`);
    const body = consent === 'none' || change === 'resume' ? undefined : { [consent]: true };
    return this.#send('POST', `${path}/${change}`, body);
  }

  /** Put off the sleep of a session by two hours, or by as much as is allowed. */
  extend = (id: string): Promise<Session> =>
    this.#send('POST', `/sessions/${encodeURIComponent(id)}/extend`, { by: '2h' });
  rename = (id: string, name: string): Promise<Session> =>
    this.#send('PATCH', `/sessions/${encodeURIComponent(id)}`, { name });

  /** Return the sessions that others share with this person. */
  sharedSessions = async (): Promise<SharedSession[]> =>
    (await this.#get<SharedSessionList>('/shared-sessions')).sessions;
  shares = async (id: string): Promise<Share[]> =>
    (await this.#get<ShareList>(`/sessions/${encodeURIComponent(id)}/shares`)).shares;
  share = (id: string, share: NewShare): Promise<Share> =>
    this.#send('POST', `/sessions/${encodeURIComponent(id)}/shares`, { ...share });
  unshare = (id: string, share: string): Promise<void> =>
    this.#send('DELETE', `/sessions/${encodeURIComponent(id)}/shares/${encodeURIComponent(share)}`);

  logServices = async (id: string): Promise<string[]> =>
    (await this.#get<LogServices>(`/sessions/${encodeURIComponent(id)}/logs`)).services;

  /** Read the log of one part and hand over each piece, until the log ends or `signal` aborts. */
  async followLog(
    id: string,
    part: string,
    signal: AbortSignal,
    onText: (text: string) => void,
  ): Promise<void> {
    const answer = await this.#log(id, { service: part, follow: 'true', tail: String(TAIL) }, signal);
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    if (!reader) return;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      onText(value);
    }
  }

  /** Return the end of the log of one part, as it is now. */
  async readLog(id: string, part: string, signal: AbortSignal): Promise<string> {
    return (await this.#log(id, { service: part, tail: String(SHORT_TAIL) }, signal)).text();
  }

  users = (): Promise<UserList> => this.#get('/users');
  addUser = (user: Pick<NewUser, 'name' | 'admin'>): Promise<User> => this.#send('POST', '/users', user);
  /** Add everybody in a list, or nobody where a line is wrong. */
  addClass = (text: string, group?: string): Promise<RosterResult> =>
    this.#send('POST', `${group === undefined ? '' : groupPath(group)}/roster`, { text });
  removeUser = (name: string, data: 'keep' | 'archive' | 'delete' = 'keep'): Promise<void> =>
    this.#send('DELETE', `/users/${encodeURIComponent(name)}?data=${data}`);
  removedUsers = async (): Promise<RemovedUser[]> =>
    (await this.#get<RemovedUserList>('/removed-users')).removed;
  removedGroups = async (): Promise<RemovedGroup[]> =>
    (await this.#get<RemovedGroupList>('/removed-groups')).removed;
  discardUser = (id: string, data: 'archive' | 'delete'): Promise<RemovedUser> =>
    this.#send('DELETE', `/removed-users/${encodeURIComponent(id)}?data=${data}`);
  discardGroup = (id: string, data: 'archive' | 'delete'): Promise<RemovedGroup> =>
    this.#send('DELETE', `/removed-groups/${encodeURIComponent(id)}?data=${data}`);
  disableUser = (name: string): Promise<User> =>
    this.#send('POST', `/users/${encodeURIComponent(name)}/disable`);
  enableUser = (name: string): Promise<User> =>
    this.#send('POST', `/users/${encodeURIComponent(name)}/enable`);
  browsersOf = async (name: string): Promise<Browser[]> =>
    (await this.#get<BrowserList>(`/users/${encodeURIComponent(name)}/browsers`)).browsers;
  endBrowser = (name: string, id: string): Promise<void> =>
    this.#send('DELETE', `/users/${encodeURIComponent(name)}/browsers/${encodeURIComponent(id)}`);
  tokensOf = async (name: string): Promise<Token[]> =>
    (await this.#get<TokenList>(`/users/${encodeURIComponent(name)}/tokens`)).tokens;
  endTokenOf = (name: string, id: string): Promise<void> =>
    this.#send('DELETE', `/users/${encodeURIComponent(name)}/tokens/${encodeURIComponent(id)}`);
  setPassword = (name: string, password: string, current?: string, endTokens = false): Promise<void> =>
    this.#send('POST', `/users/${encodeURIComponent(name)}/password`, {
      password,
      ...(endTokens ? { end_tokens: true } : {}),
      ...(current === undefined ? {} : { current }),
    });
  signInLink = (name: string): Promise<SignInLink> =>
    this.#send('POST', `/users/${encodeURIComponent(name)}/link`);

  groups = async (): Promise<Group[]> => (await this.#get<GroupList>('/groups')).groups;
  course = async (name: string): Promise<CourseView> =>
    withAssignments(await this.#get<CourseView>(groupPath(name)));
  courseSessions = async (name: string): Promise<Session[]> =>
    (await this.#get<SessionList>(`${groupPath(name)}/sessions`)).sessions;
  /** Tell a group something, with the work that is handed out; null takes it back. */
  announce = (name: string, text: string | null, work?: NewLink): Promise<CourseView> =>
    this.#send('PUT', `${groupPath(name)}/announcement`, { text, ...(work && { work }) });
  handIns = async (name: string): Promise<HandInView[]> =>
    (await this.#get<HandInList>(`${groupPath(name)}/hand-ins`)).hand_ins;
  /** Return the courses that take work of this person, or have something for them. */
  courses = async (): Promise<CourseFolderView[]> =>
    (await this.#get<CourseFolderList>('/courses?data=false')).courses.map(withAssignments);
  myHandIns = async (name: string): Promise<HandInView[]> =>
    (await this.#get<HandInList>(`${groupPath(name)}/my-hand-ins`)).hand_ins;
  /** Return words that came back. */
  returnedText = async (name: string, id: string): Promise<string> =>
    (await this.#request(`${groupPath(name)}/returned/${id}`, {}, TIMEOUT)).text();
  /** Where something handed in is to be had, or all of it. */
  handInPath = (name: string, id?: string): string =>
    `${ROOT}${groupPath(name)}/hand-ins${id ? `/${id}` : '.zip'}`;
  /** Where a file is sent that is handed in. */
  handInTo = (name: string, file: string): string =>
    `${ROOT}${groupPath(name)}/hand-ins?${new URLSearchParams({ file })}`;
  returnedPath = (name: string, id: string): string => `${ROOT}${groupPath(name)}/returned/${id}`;
  /** Where a file is sent that is given back on something handed in. */
  giveBackPath = (name: string, id: string, file: string): string =>
    `${this.handInPath(name, id)}/returned?${new URLSearchParams({ file })}`;
  removeHandIn = (name: string, id: string): Promise<void> =>
    this.#send('DELETE', `${groupPath(name)}/hand-ins/${id}`);
  courseData = (name: string): Promise<CourseDataView> => this.#get(`${groupPath(name)}/data`);
  dataPath = (name: string, id: string): string => `${ROOT}${groupPath(name)}/data/${id}`;
  /** Where a file is sent that a course gives. */
  givePath = (name: string, path: string): string =>
    `${ROOT}${groupPath(name)}/data?${new URLSearchParams({ path })}`;
  takeAway = (name: string, id: string): Promise<void> =>
    this.#send('DELETE', `${groupPath(name)}/data/${id}`);
  /** Change the folder of a course, and nothing that is not named: somebody else may have changed that. */
  setCourseFolder = (name: string, changes: Partial<CourseFolderRule>): Promise<CourseView> =>
    this.#send('PUT', `${groupPath(name)}/course-folder`, { ...changes });
  setInstructors = (name: string, instructors: string[]): Promise<Group> =>
    this.#send('PUT', `${groupPath(name)}/instructors`, { instructors });
  setRule = (name: string, view: boolean): Promise<Group> =>
    this.#send('PATCH', groupPath(name), { instructors_view: view });
  addGroup = (name: string): Promise<Group> => this.#send('POST', '/groups', { name, members: [] });
  setMembers = (name: string, members: string[]): Promise<Group> =>
    this.#send('PUT', groupPath(name), { members });
  removeGroup = (name: string, data: 'keep' | 'archive' | 'delete' = 'keep'): Promise<void> =>
    this.#send('DELETE', `${groupPath(name)}?data=${data}`);

  tokens = async (): Promise<Token[]> => (await this.#get<TokenList>('/tokens')).tokens;
  makeToken = (name: string, days: number, scopes: Scope[]): Promise<CreatedToken> =>
    this.#send('POST', '/tokens', { name, days, scopes });
  revokeToken = (id: string): Promise<void> => this.#send('DELETE', `/tokens/${encodeURIComponent(id)}`);

  /** Return events, the newest first; `audit.ts` makes the question. */
  audit = (question: Record<string, string>): Promise<Audit> =>
    this.#get<Audit>(`/audit?${new URLSearchParams(question)}`);

  #log(id: string, query: Record<string, string>, signal: AbortSignal): Promise<Response> {
    const path = `/sessions/${encodeURIComponent(id)}/logs?${new URLSearchParams(query)}`;
    return this.#request(path, { signal, headers: { Accept: 'text/plain' } }, null);
  }

  async #get<T>(path: string): Promise<T> {
    return (await (await this.#request(path, {}, TIMEOUT)).json()) as T;
  }

  async #send<T>(
    method: string,
    path: string,
    body?: Body,
    headers: Record<string, string> = {},
  ): Promise<T> {
    const init: RequestInit = { method, headers };
    if (body) {
      init.body = JSON.stringify(body);
      init.headers = { ...headers, 'Content-Type': 'application/json' };
    }
    const answer = await this.#request(path, init, TIMEOUT);
    return (answer.status === 204 ? undefined : await answer.json()) as T;
  }

  async #request(path: string, init: RequestInit, timeout: number | null): Promise<Response> {
    let answer: Response;
    try {
      answer = await this.#fetch(ROOT + path, {
        credentials: 'same-origin',
        ...(timeout === null ? {} : { signal: AbortSignal.timeout(timeout) }),
        ...init,
      });
    } catch (error) {
      if (init.signal?.aborted) throw error;
      throw new Problem(UNREACHABLE, 0, 'unreachable');
    }
    const date = Date.parse(answer.headers.get('Date') ?? '');
    if (!Number.isNaN(date)) this.#options.onTime?.(date);
    if (answer.ok) return answer;
    const problem = await problemOf(answer);
    if (answer.status === 401 && path !== '/login') this.#options.onSignedOut?.();
    throw problem;
  }
}

/** A hub of the version before knows no assignments, and answers while the next one takes its place. */
function withAssignments<T extends { assignments: unknown[] }>(said: T): T {
  return Object.assign({ assignments: [] }, said);
}

function groupPath(name: string): string {
  return `/groups/${encodeURIComponent(name)}`;
}

function chosen(options: Choices): Body {
  return Object.keys(options).length > 0 ? { options } : {};
}

/** Return what an answer says is wrong. */
export async function problemOf(answer: Response): Promise<Problem> {
  const retry = Number(answer.headers.get('Retry-After'));
  const after = Number.isFinite(retry) && retry > 0 ? retry : null;
  try {
    const body = (await answer.json()) as {
      detail?: unknown;
      title?: unknown;
      code?: unknown;
      running?: unknown;
    };
    const sentence = [body.detail, body.title].find((text) => typeof text === 'string' && text !== '');
    if (typeof sentence === 'string') {
      return new Problem(
        sentence,
        answer.status,
        typeof body.code === 'string' ? body.code : 'unknown',
        after,
        Array.isArray(body.running) ? body.running.map(String) : [],
      );
    }
  } catch {
    // Not JSON: it comes from something between us and the hub. The status is all there is to go by.
  }
  const gone = answer.status >= 502 && answer.status <= 504;
  return new Problem(
    gone ? UNREACHABLE : `RSparkHub answered ${answer.status}. Try again.`,
    answer.status,
    'unknown',
    after,
  );
}

/** Return a sentence for the person about anything that was thrown. */
export function errorMessage(error: unknown): string {
  if (error instanceof Problem) return error.message;
  return 'Something went wrong on this page. Reload it and try again.';
}

/** Return a new idempotency key. `crypto.randomUUID` needs a secure context. */
export function idempotencyKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('');
}
