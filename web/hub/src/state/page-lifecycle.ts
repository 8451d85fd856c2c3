/**
 * Whether this page is one that somebody may look at. It is not while its tab lies behind another, while the browser has
 * frozen it, and after it was left: the browser keeps such a page to show it again on Back, with all that it held.
 */
import { readable, type Readable } from 'svelte/store';

export interface PageLifecycleOptions {
  window: EventTarget;
  document: EventTarget & Pick<Document, 'visibilityState'>;
  /** Called when the browser shows a page again that had been left: what it shows is as old as that. */
  onRestored: () => void;
}

export interface PageLifecycle {
  /** In front of somebody. What holds a connection does so only then. */
  shown: Readable<boolean>;
  /** Neither left nor frozen: it may listen to the other tabs, which costs nothing. */
  awake: Readable<boolean>;
}

/** Follow this page's life, from now until it ends. */
export function followPage({ window, document, onRestored }: PageLifecycleOptions): PageLifecycle {
  let left = false;
  let frozen = false;
  const changes = new EventTarget();
  const changed = (): boolean => changes.dispatchEvent(new Event('change'));
  const store = (read: () => boolean): Readable<boolean> =>
    readable(read(), (set) => {
      const update = (): void => set(read());
      update();
      changes.addEventListener('change', update);
      return () => changes.removeEventListener('change', update);
    });
  const is = (change: () => void) => (): void => {
    change();
    changed();
  };
  window.addEventListener(
    'pagehide',
    is(() => (left = true)),
  );
  window.addEventListener('pageshow', (event) => {
    left = false;
    if ((event as PageTransitionEvent).persisted) onRestored();
    changed();
  });
  document.addEventListener(
    'freeze',
    is(() => (frozen = true)),
  );
  document.addEventListener(
    'resume',
    is(() => (frozen = false)),
  );
  document.addEventListener('visibilitychange', changed);
  return {
    shown: store(() => !left && !frozen && document.visibilityState === 'visible'),
    awake: store(() => !left && !frozen),
  };
}
