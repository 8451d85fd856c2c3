/** The pages that the first one does not need. Each is loaded once, when somebody goes there, or ahead of that. */

import { browserUpgrade, reloadIfOlder } from '../state/upgrade.ts';

function once<Module>(load: () => Promise<Module>): () => Promise<Module> {
  let loaded: Promise<Module> | undefined;
  return () =>
    (loaded ??= load().catch((error: unknown) => {
      loaded = undefined; // the next visit tries again
      void reloadIfOlder(browserUpgrade()).catch(() => undefined); // the hub is away: the page says so
      throw error;
    }));
}

export const loadSessionPage = once(() => import('./SessionPage.svelte'));
export const loadAccount = once(() => import('./Account.svelte'));
export const loadAdministration = once(() => import('./admin/Administration.svelte'));
export const loadCoursework = once(() => import('./Coursework.svelte'));
export const loadStart = once(() => import('./Start.svelte'));
