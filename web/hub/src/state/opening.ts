/**
 * Whether a session that became ready opens by itself: when somebody was waiting for it on its page, and did not say
 * that they stay. One that already ran when the page came is opened by its button.
 */
import type { State } from './model.ts';
import { coming } from './words.ts';

export type Waiting = 'no' | 'yes' | 'declined';

export function waits(before: Waiting, state: State, mine: boolean): Waiting {
  if (!mine) return 'no';
  if (coming(state)) return before === 'declined' ? 'declined' : 'yes';
  // What it was waited for is over, however it ended.
  return state === 'running' ? before : 'no';
}

export function opens(waiting: Waiting, state: State): boolean {
  return waiting === 'yes' && state === 'running';
}
