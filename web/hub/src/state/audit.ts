/**
 * The audit, the newest first. The API reads it forwards, from an event on; so the newest is looked for with a handful of
 * small questions, each twice as far, and older ones are read in windows before it.
 */
import type { AuditEvent } from './model.ts';

/** Return the events after this id, the oldest first. */
export type ReadEvents = (after: number, limit: number) => Promise<AuditEvent[]>;

/** Return the id of the newest event; 0 when there is none. */
export async function newestId(read: ReadEvents): Promise<number> {
  const later = async (id: number): Promise<boolean> => (await read(id, 1)).length > 0;
  if (!(await later(0))) return 0;
  let [below, above] = [0, 1024];
  while (await later(above)) [below, above] = [above, above * 4];
  // There are events after `below`, and none after `above`.
  while (above - below > 1) {
    const middle = Math.floor((below + above) / 2);
    if (await later(middle)) below = middle;
    else above = middle;
  }
  return above;
}

/** Return the events up to this id, the newest first, and where to go on: null when there are no older ones. */
export async function olderThan(
  read: ReadEvents,
  upTo: number,
  size: number,
): Promise<{ events: AuditEvent[]; before: number | null }> {
  const after = Math.max(0, upTo - size);
  const events = (await read(after, size)).filter(({ id }) => id <= upTo).reverse();
  return { events, before: after > 0 ? after : null };
}
