import { expect, it } from 'vitest';
import { fromQuery, hasPage, noEvents, question } from './audit.ts';

const NOW = Date.parse('2026-11-28T12:00:00Z');
const NONE = { person: '', session: '', kind: '', days: '' };

it('a filter is read from the address, without what the page does not know', () => {
  const query = new URLSearchParams('person=ada&session= Homework 3 &kind=visit&days=7');
  expect(fromQuery(query)).toEqual({ person: 'ada', session: 'Homework 3', kind: 'visit', days: '7' });
  expect(fromQuery(new URLSearchParams('kind=gossip&days=1000'))).toEqual(NONE);
});

it('the hub is asked for what is chosen, and for nothing else', () => {
  expect(question(NONE, null, 200, NOW)).toEqual({ limit: '200' });
  expect(question({ person: 'ada', session: 'x', kind: 'visit', days: '1' }, 17, 50, NOW)).toEqual({
    person: 'ada',
    session: 'x',
    kind: 'visit',
    since: '2026-11-27T12:00:00.000Z',
    before: '17',
    limit: '50',
  });
});

it('a session has a page, a shared service has none', () => {
  expect(hasPage('hb8cwkn4eg')).toBe(true);
  expect(hasPage('postgres')).toBe(false);
});

it('an empty list says why', () => {
  expect(noEvents(NONE)).toBe('Nothing has happened yet');
  expect(noEvents({ ...NONE, kind: 'visit' })).toBe('Nothing matches these filters');
});
