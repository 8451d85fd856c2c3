/** An event of the audit as a sentence without its subject: "was asked to sleep". */
import type { AuditEvent, State } from './model.ts';

const REQUESTS: Record<string, string> = {
  running: 'was asked to run',
  suspended: 'was asked to sleep',
  stopped: 'was asked to stop',
  deleted: 'was deleted',
};

const STATES: Partial<Record<State, string>> = {
  queued: 'waits in the queue',
  starting: 'is starting',
  running: 'became ready',
  suspending: 'goes to sleep',
  suspended: 'fell asleep',
  resuming: 'is waking',
  stopping: 'is stopping',
  stopped: 'stopped',
  failed: 'failed',
};

const COMPONENT_STATES: Record<string, string> = {
  waiting: 'waits',
  starting: 'is starting',
  ready: 'is ready',
  failed: 'failed',
  ended: 'ended',
};

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Return the sentence of an event; a state that the page does not know stands as it is. */
export function describeEvent(event: AuditEvent): string {
  const { data } = event;
  const reason = text(data.reason);
  const tail = reason ? `: ${reason}` : '';
  switch (event.kind) {
    case 'created':
      return `was created${text(data.environment) ? ` from ${text(data.environment)}` : ''}`;
    case 'wanted':
      return `${REQUESTS[text(data.wanted)] ?? 'was asked for something'}${tail}`;
    case 'state': {
      const state = text(data.state);
      return `${STATES[state as State] ?? state}${tail}`;
    }
    case 'part':
      return `${text(data.title) || text(data.part)} ${COMPONENT_STATES[text(data.state)] ?? text(data.state)}${tail}`;
    case 'warning':
      return `was warned${tail || (text(data.text) ? `: ${text(data.text)}` : '')}`;
  }
}

/** Whether it is a session's id, which has a page, or the name of a shared service. */
export function hasPage(id: string): boolean {
  return /^[a-z][a-z2-9]{9}$/.test(id);
}

export const KINDS: { key: AuditEvent['kind']; text: string }[] = [
  { key: 'created', text: 'Created' },
  { key: 'wanted', text: 'Asked for' },
  { key: 'state', text: 'State' },
  { key: 'part', text: 'Part' },
  { key: 'warning', text: 'Warning' },
];

export function kindText(kind: AuditEvent['kind']): string {
  return KINDS.find(({ key }) => key === kind)?.text ?? kind;
}
