/** What a change of a session says aloud, to those who don't see it. Only what a person would tell another. */
import type { Session } from './model.ts';

export function news(before: Session | undefined, after: Session): string | null {
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
