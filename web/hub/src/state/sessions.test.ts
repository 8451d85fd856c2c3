import { get } from 'svelte/store';
import { beforeEach, expect, it } from 'vitest';
import { session } from './examples.ts';
import { newestFirst, Sessions } from './sessions.ts';

let sessions: Sessions;
beforeEach(() => {
  sessions = new Sessions();
});
const state = (id: string): string | undefined => get(sessions.known).get(id)?.state;

it('the list replaces what was known', () => {
  sessions.applyList([session({ id: 'a' }), session({ id: 'b' })], sessions.mark());
  sessions.applyList([session({ id: 'b' })], sessions.mark());
  expect([...get(sessions.known).keys()]).toEqual(['b']);
  expect(get(sessions.loaded)).toBe(true);
});

it('what the stream says while the list is read is newer than the list', () => {
  const since = sessions.mark();
  sessions.applySession(session({ id: 'a', state: 'running' }));
  sessions.applySession(session({ id: 'new' }));
  sessions.applySession(session({ id: 'gone' }));
  sessions.applyDeletion('gone');
  sessions.applyList([session({ id: 'a', state: 'starting' }), session({ id: 'gone' })], since);
  expect(state('a')).toBe('running');
  expect([...get(sessions.known).keys()].sort()).toEqual(['a', 'new']);
});

it('an answer that comes after newer news is passed over', () => {
  const since = sessions.mark();
  sessions.applySession(session({ id: 'a', state: 'suspended' }));
  sessions.applyResponse(session({ id: 'a', state: 'running' }), since);
  expect(state('a')).toBe('suspended');
});

it('an answer that is the newest counts', () => {
  sessions.applySession(session({ id: 'a', state: 'running' }));
  sessions.applyResponse(session({ id: 'a', state: 'suspending' }), sessions.mark());
  expect(state('a')).toBe('suspending');
});

it('a part lights up as soon as it is said', () => {
  sessions.applySession(
    session({
      id: 'a',
      services: [{ name: 'postgres', title: 'PostgreSQL', state: 'starting', reason: null }],
    }),
  );
  sessions.applyProgress({ session: 'a', part: 'postgres', title: null, state: 'ready', reason: null });
  expect(get(sessions.known).get('a')?.services[0]?.state).toBe('ready');
});

it('news of a part that is not known changes nothing', () => {
  sessions.applySession(session({ id: 'a', services: [] }));
  sessions.applyProgress({ session: 'a', part: 'x', title: null, state: 'ready', reason: null });
  sessions.applyProgress({ session: 'z', part: 'x', title: null, state: 'ready', reason: null });
  expect(get(sessions.known).get('a')?.services).toEqual([]);
  expect(get(sessions.known).has('z')).toBe(false);
});

it('a session keeps its place when it changes', () => {
  sessions.applySession(session({ id: 'old', created: '2026-11-23T10:00:00Z' }));
  sessions.applySession(session({ id: 'new', created: '2026-11-24T10:00:00Z' }));
  sessions.applySession(session({ id: 'old', created: '2026-11-23T10:00:00Z', state: 'failed' }));
  expect(newestFirst(get(sessions.known)).map(({ id }) => id)).toEqual(['new', 'old']);
});

it('another person sees nothing of what was known', () => {
  sessions.applySession(session({ id: 'a' }));
  sessions.setPending('a', 'stop');
  sessions.clear();
  expect(get(sessions.known).size).toBe(0);
  expect(get(sessions.pending).size).toBe(0);
});
