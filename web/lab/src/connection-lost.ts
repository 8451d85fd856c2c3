/** What is done when JupyterLab's server does not answer: the hub knows why. */
import { ConnectionLost, type IConnectionLost } from '@jupyterlab/application';
import type { FollowedSession } from './followed-session.ts';

/** Looks at the hub's word before JupyterLab speaks of the network: that a session has ended is not known at once. */
const LOOKS = 8;
const BETWEEN = 1_000; // ms

/** Return JupyterLab's handler: it stays silent where the hub knows why the session does not answer. */
export function connectionLost(session: FollowedSession): IConnectionLost {
  let looking = false;
  return async (manager, error, translator) => {
    if (looking) return;
    looking = true;
    try {
      for (let look = 0; look < LOOKS; look++) {
        await session.refresh();
        if (session.away) return;
        if (session.isUnknown) break;
        await new Promise((done) => setTimeout(done, BETWEEN));
      }
    } finally {
      looking = false;
    }
    await ConnectionLost(manager, error, translator);
  };
}
