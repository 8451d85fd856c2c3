/** What a screen reader announces of a session's change. Only what matters to the person. */
import type { Session } from './model.ts';

/** Return the sentence for a change of state; null for any other change, and for a session that was not known before. */
export function announcementFor(before: Session | undefined, after: Session): string | null {
  if (!before || before.state === after.state) return null;
  const { name } = after;
  switch (after.state) {
    case 'running':
      return `${name} is ready.`;
    case 'suspended':
      return `${name} is asleep. Your work is kept.`;
    case 'stopped':
      return `${name} has stopped.`;
    case 'failed':
      return `${name} failed. ${after.reason ?? ''}`.trim();
    case 'queued':
      return `${name} waits in the queue.`;
    case 'starting':
    case 'resuming':
      return `${name} is starting.`;
    case 'suspending':
      return `${name} goes to sleep.`;
    case 'stopping':
      return `${name} stops.`;
  }
}
