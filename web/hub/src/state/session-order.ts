/** The order of the person's own sessions on the page. */
import type { Session, State } from './model.ts';

const RANK: Record<State, number> = {
  running: 0,
  resuming: 0,
  starting: 0,
  queued: 0,
  suspending: 1,
  suspended: 1,
  failed: 2,
  stopping: 2,
  stopped: 2,
};

/**
 * Return the sessions in order: those that stood there (`before`, their ids) keep their place, so that nothing jumps; new
 * ones come first, what runs before what sleeps before the rest, the newest first.
 */
export function orderSessions(before: readonly string[], sessions: readonly Session[]): Session[] {
  const place = new Map(before.map((id, at) => [id, at]));
  const fresh = sessions.filter(({ id }) => !place.has(id));
  const old = sessions.filter(({ id }) => place.has(id));
  return [
    ...fresh.sort(
      (one, other) => RANK[one.state] - RANK[other.state] || other.created.localeCompare(one.created),
    ),
    ...old.sort((one, other) => (place.get(one.id) ?? 0) - (place.get(other.id) ?? 0)),
  ];
}
