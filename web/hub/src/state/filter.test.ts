import { expect, it } from 'vitest';
import { session } from './examples.ts';
import { filtered, fromQuery, toggled, toQuery, noSessions } from './filter.ts';

const sessions = [
  session({ id: 'a', owner: 'ada', state: 'running', name: 'Flights' }),
  session({ id: 'b', owner: 'bo', state: 'failed', reason: 'PostgreSQL did not start.' }),
  session({ id: 'c', owner: 'bo', state: 'resuming', environment: 'shell' }),
];
const ids = (query: string): string[] =>
  filtered(sessions, fromQuery(new URLSearchParams(query))).map(({ id }) => id);

it('without a filter all are shown', () => {
  expect(ids('')).toEqual(['a', 'b', 'c']);
});

it('states, owner, environment and words narrow it', () => {
  expect(ids('state=failed,running')).toEqual(['a', 'b']);
  expect(ids('state=coming')).toEqual(['c']);
  expect(ids('owner=bo')).toEqual(['b', 'c']);
  expect(ids('environment=shell')).toEqual(['c']);
  expect(ids('q=bo+postgresql')).toEqual(['b']);
});

it('a filter stands in the address and comes back from it', () => {
  const query = { state: 'coming,failed', owner: 'bo', environment: '', q: 'x' };
  expect(toQuery(fromQuery(new URLSearchParams(query)))).toEqual(query);
});

it('an address that says nonsense shows all', () => {
  expect(ids('state=nonsense')).toEqual(['a', 'b', 'c']);
});

it('a state is chosen and let go', () => {
  const none = fromQuery(new URLSearchParams());
  const some = toggled(none, ['starting', 'resuming']);
  expect(some.states).toEqual(['starting', 'resuming']);
  expect(toggled(some, ['starting', 'resuming']).states).toEqual([]);
});

it.each([
  ['q=homework', 'No session matches “homework”'],
  ['state=failed', 'No failed sessions'],
  ['state=failed,stopped', 'No failed or stopped sessions'],
  ['state=asleep&owner=bo', 'No sleeping sessions of bo'],
  ['environment=rspark', 'No sessions from rspark'],
])('an empty list of %s says %s', (query, says) => {
  expect(noSessions(fromQuery(new URLSearchParams(query)))).toBe(says);
});
