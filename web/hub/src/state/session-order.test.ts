import { expect, it } from 'vitest';
import { session } from './examples.ts';
import { orderSessions } from './session-order.ts';

const ids = (list: { id: string }[]): string[] => list.map(({ id }) => id);

it('what runs comes first, then what sleeps, then the rest; the newest first', () => {
  const sessions = [
    session({ id: 'failed', state: 'failed' }),
    session({ id: 'asleep', state: 'suspended' }),
    session({ id: 'older', state: 'running', created: '2026-11-01T00:00:00Z' }),
    session({ id: 'newer', state: 'starting', created: '2026-11-02T00:00:00Z' }),
  ];
  expect(ids(orderSessions([], sessions))).toEqual(['newer', 'older', 'asleep', 'failed']);
});

it('a session that falls asleep stays where it was', () => {
  const sessions = [session({ id: 'a', state: 'suspended' }), session({ id: 'b', state: 'running' })];
  expect(ids(orderSessions(['a', 'b'], sessions))).toEqual(['a', 'b']);
});

it('a new one comes on top', () => {
  const sessions = [session({ id: 'a' }), session({ id: 'new', state: 'queued' })];
  expect(ids(orderSessions(['a'], sessions))).toEqual(['new', 'a']);
});
