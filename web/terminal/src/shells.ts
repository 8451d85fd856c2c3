/** The shells of the session, by Jupyter's REST API. */

/** The session isn't ours any more, or isn't there. */
export class SessionGone extends Error {}
/** The session sleeps, starts or ends; it may be there again. */
export class SessionAsleep extends Error {}

interface Shell {
  name: string;
}

/** Where the session is: the page lies one folder below it. */
export const base = new URL('../', window.location.href);

/** The shell that this page is for: the one its address names, else the first there is, else a new one. */
export async function find(): Promise<string> {
  const named = decodeURIComponent(window.location.hash.slice(1));
  const shells = (await ask('GET')) as Shell[];
  const found = shells.find((shell) => shell.name === named) ?? shells[0];
  return found ? found.name : open();
}

/** Start a new shell. */
export async function open(): Promise<string> {
  return ((await ask('POST')) as Shell).name;
}

/** The address of a shell's websocket. */
export function socketOf(name: string): URL {
  const url = new URL(`terminals/websocket/${encodeURIComponent(name)}`, base);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url;
}

async function ask(method: string): Promise<unknown> {
  const answer = await fetch(new URL('api/terminals', base), {
    method,
    headers: { Accept: 'application/json' },
  });
  // So answers the edge in front of the session.
  if ([401, 403, 404].includes(answer.status)) throw new SessionGone();
  if ([424, 503].includes(answer.status)) throw new SessionAsleep();
  if (!answer.ok) throw new Error(`The session answers ${answer.status}.`);
  return answer.json();
}
