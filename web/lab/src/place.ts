/** Where the page is: in which session, and where the hub is of which that is one. Pure. */

export interface Place {
  /** The session's id. */
  session: string;
  /** The address of the session, below which its interfaces and Spark's pages are. */
  root: string;
  /** The address of the hub's page of the person's sessions. */
  hub: string;
}

/** Return where a page is whose server has this address; null where that is no address of a session. */
export function placeOf(server: string): Place | null {
  const url = new URL(server);
  const [, session] = /^\/s\/([a-z][a-z0-9-]*)\//.exec(url.pathname) ?? [];
  if (session === undefined) return null;
  const root = new URL(`/s/${session}/`, url).href;
  // Where sessions have hosts of their own, the hub's is the name behind the first dot.
  const own = url.host.startsWith(`${session}.`);
  const host = own ? url.host.slice(session.length + 1) : url.host;
  return { session, root, hub: `${url.protocol}//${host}/hub/` };
}
