/** The filter of an administrator's list of sessions. It stands in the address, so that a view can be sent to somebody. */
import { alternatives } from './format.ts';
import type { Session, State } from './model.ts';

export interface Filter {
  text: string;
  states: State[];
  owner: string;
  environment: string;
}

/** The states as an administrator counts them: what is on its way is one number. */
export const GROUPS: { key: string; text: string; states: State[] }[] = [
  { key: 'running', text: 'Running', states: ['running'] },
  { key: 'coming', text: 'Starting', states: ['starting', 'resuming'] },
  { key: 'queued', text: 'In the queue', states: ['queued'] },
  { key: 'ending', text: 'Ending', states: ['suspending', 'stopping'] },
  { key: 'asleep', text: 'Asleep', states: ['suspended'] },
  { key: 'failed', text: 'Failed', states: ['failed'] },
  { key: 'stopped', text: 'Stopped', states: ['stopped'] },
];

export function fromQuery(query: URLSearchParams): Filter {
  const keys = (query.get('state') ?? '').split(',');
  return {
    text: query.get('q') ?? '',
    states: GROUPS.filter(({ key }) => keys.includes(key)).flatMap(({ states }) => states),
    owner: query.get('owner') ?? '',
    environment: query.get('environment') ?? '',
  };
}

export function toQuery(filter: Filter): Record<string, string> {
  const keys = GROUPS.filter(({ states }) => states.every((state) => filter.states.includes(state)));
  return {
    state: keys.map(({ key }) => key).join(','),
    owner: filter.owner,
    environment: filter.environment,
    q: filter.text,
  };
}

export function matches(session: Session, filter: Omit<Filter, 'states'>): boolean {
  if (filter.owner && session.owner !== filter.owner) return false;
  if (filter.environment && session.environment !== filter.environment) return false;
  const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  const text =
    `${session.name} ${session.owner} ${session.id} ${session.title} ${session.environment} ${session.reason ?? ''}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

export function filtered(sessions: readonly Session[], filter: Filter): Session[] {
  return sessions.filter(
    (session) =>
      matches(session, filter) && (filter.states.length === 0 || filter.states.includes(session.state)),
  );
}

/** As "No failed sessions" has them. */
const NONE: Record<string, string> = {
  running: /* @wc-include */ 'running',
  coming: /* @wc-include */ 'starting',
  queued: /* @wc-include */ 'queued',
  ending: /* @wc-include */ 'ending',
  asleep: /* @wc-include */ 'sleeping',
  failed: /* @wc-include */ 'failed',
  stopped: /* @wc-include */ 'stopped',
};

/** Return what an empty list says: "No failed sessions", "No session matches “homework”". */
export function noSessions(filter: Filter): string {
  if (filter.text.trim()) return `No session matches “${filter.text.trim()}”`;
  const kinds = GROUPS.filter(({ states }) => states.every((state) => filter.states.includes(state)));
  const which = alternatives(kinds.map(({ key }) => NONE[key] ?? key));
  const rest = [filter.owner && `of ${filter.owner}`, filter.environment && `from ${filter.environment}`].map(
    (words) => words && ` ${words}`,
  );
  return which ? `No ${which} sessions${rest.join('')}` : `No sessions${rest.join('')}`;
}

export function toggled(filter: Filter, states: readonly State[]): Filter {
  const on = states.every((state) => filter.states.includes(state));
  const rest = filter.states.filter((state) => !states.includes(state));
  return { ...filter, states: on ? rest : [...rest, ...states] };
}
