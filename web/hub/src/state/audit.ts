/** The filter of the audit. It stands in the address, so that a view can be sent to somebody; the hub does the choosing. */
import type { AuditEvent } from './model.ts';

export interface AuditFilter {
  person: string;
  session: string;
  kind: string;
  /** How many days back; empty is all. */
  days: string;
}

export const KINDS: { key: AuditEvent['kind']; text: string }[] = [
  { key: 'sign-in', text: 'Sign-ins' },
  { key: 'visit', text: 'Visits to others’ sessions' },
  { key: 'share', text: 'Sharing' },
  { key: 'person', text: 'People' },
  { key: 'group', text: 'Groups' },
  { key: 'token', text: 'Tokens' },
  { key: 'created', text: 'New sessions' },
  { key: 'wanted', text: 'Requests' },
  { key: 'extended', text: 'Sleeps put off' },
  { key: 'renamed', text: 'New names of sessions' },
  { key: 'state', text: 'States of sessions' },
  { key: 'part', text: 'Parts of sessions' },
  { key: 'warning', text: 'Warnings' },
];

export const PERIODS: { days: string; text: string }[] = [
  { days: '1', text: 'Last 24 hours' },
  { days: '7', text: 'Last 7 days' },
  { days: '30', text: 'Last 30 days' },
];

const DAY = 24 * 60 * 60 * 1000; // ms

/** Return the filter of an address; what the page doesn't know is left out. */
export function fromQuery(query: URLSearchParams): AuditFilter {
  const one = (name: string): string => query.get(name)?.trim() ?? '';
  return {
    person: one('person'),
    session: one('session'),
    kind: KINDS.find(({ key }) => key === one('kind'))?.key ?? '',
    days: PERIODS.find(({ days }) => days === one('days'))?.days ?? '',
  };
}

/** Return what the hub is asked for: the newest events of a filter, or those before one. */
export function question(
  filter: AuditFilter,
  before: number | null,
  limit: number,
  now: number,
): Record<string, string> {
  return {
    ...(filter.person && { person: filter.person }),
    ...(filter.session && { session: filter.session }),
    ...(filter.kind && { kind: filter.kind }),
    ...(filter.days && { since: new Date(now - Number(filter.days) * DAY).toISOString() }),
    ...(before !== null && { before: String(before) }),
    limit: String(limit),
  };
}

/** Whether it is a session's id, which has a page, or the name of a shared service. */
export function hasPage(id: string): boolean {
  return /^[a-z][a-z2-9]{9}$/.test(id);
}

/** Return what an empty list says. */
export function noEvents(filter: AuditFilter): string {
  return Object.values(filter).some(Boolean) ? 'Nothing matches these filters' : 'Nothing has happened yet';
}
