/** Where the session is, and how it is asked. */

/** The session's address: the page lies one folder below it. */
export const base = new URL('../', document.baseURI);

/** The session refuses a request, in a sentence; `status` is HTTP's, 0 when no answer came. */
export class RequestFailed extends Error {
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

function cookie(name: string): string {
  const found = document.cookie.split('; ').find((one) => one.startsWith(`${name}=`));
  return found ? decodeURIComponent(found.slice(name.length + 1)) : '';
}

/** What a request may say of itself; headers are a plain record. */
export interface Init extends Omit<RequestInit, 'headers'> {
  headers?: Record<string, string>;
}

/** Return the address of something in the session. */
export const address = (path: string): URL => new URL(path, base);

/** Return the address of a websocket in the session. */
export function socketAddress(path: string): URL {
  const url = address(path);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url;
}

/** Return a path of the home as a part of an address. */
export const encoded = (path: string): string => path.split('/').map(encodeURIComponent).join('/');

/**
 * Send a request, and return the answer.
 *
 * Throws RequestFailed when it is not one of the 200s, or when none comes.
 */
export async function request(path: string, init: Init = {}): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(address(path), {
      // Jupyter says when a file was changed and no more: a browser would take an old file's version for current for days.
      cache: 'no-store',
      ...init,
      headers: { Accept: 'application/json', 'X-XSRFToken': cookie('_xsrf'), ...init.headers },
    });
  } catch (problem) {
    if (problem instanceof DOMException && problem.name === 'AbortError') throw problem;
    throw new RequestFailed('The session can’t be reached. What you typed is kept in this browser.', 0);
  }
  if (!answer.ok) throw new RequestFailed(await sentence(answer), answer.status);
  return answer;
}

/** Send a request, and return what the answer's JSON says. */
export async function requestJson<T>(path: string, init: Init = {}): Promise<T> {
  return (await (await request(path, init)).json()) as T;
}

async function sentence(answer: Response): Promise<string> {
  const text = await answer.text();
  try {
    const body = JSON.parse(text) as Record<string, unknown>;
    for (const said of [body.detail, body.message, body.reason, body.title])
      if (typeof said === 'string' && said) return said;
  } catch {
    // Not JSON: a page of something in between.
  }
  if (answer.status === 401 || answer.status === 403)
    return 'You are signed out. Sign in again; this page goes on.';
  if (answer.status === 404) return 'It isn’t there any more.';
  if (answer.status === 413) return 'It is too large for the session to take.';
  if (answer.status === 424 || answer.status === 503)
    return 'The session is asleep or starting. Wake it; this page goes on.';
  return `The session answers with an error (${answer.status}).`;
}
