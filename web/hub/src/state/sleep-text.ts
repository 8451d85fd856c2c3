/** When a session goes to sleep by itself, in words. Pure. */
import { atMoment } from './format.ts';
import type { Session } from './model.ts';

/** Return when it does: "Sleeps at 17:32", and why it can't be put off where it can't. */
export function sleepText(sleeps: NonNullable<Session['sleeps']>, now: number, bare = false): string {
  const why = sleeps.why === 'longest' ? ', its longest run' : sleeps.can_extend ? '' : ', as late as it may';
  const at = atMoment(sleeps.at, now) + why;
  return bare ? at : `Sleeps ${at}`;
}
