/**
 * Whether a session opens by itself when it is ready: it does for a person who waited on its page and did not choose to
 * stay. One that already ran when the page came is opened by its button.
 */
import type { State } from './model.ts';
import { isStarting } from './session-text.ts';

export type Waiting = 'no' | 'yes' | 'declined';

/** Return whether the person waits, after the session is seen in this state. */
export function nextWaiting(before: Waiting, state: State, mine: boolean): Waiting {
  if (!mine) return 'no';
  if (isStarting(state)) return before === 'declined' ? 'declined' : 'yes';
  // What it was waited for is over, however it ended.
  return state === 'running' ? before : 'no';
}

/** Return whether the page leaves for the session now. */
export function shouldOpen(waiting: Waiting, state: State): boolean {
  return waiting === 'yes' && state === 'running';
}
