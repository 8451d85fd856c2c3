import { expect, it } from 'vitest';
import { session } from './examples.ts';
import type { Me } from './model.ts';
import { streamScope, streamUrl } from './stream-scope.ts';

const me: Me = {
  name: 'ada',
  admin: true,
  groups: [],
  limits: { sessions: 5 },
  version: '0.1.0',
  images: false,
  has_password: true,
  courses: [],
  scopes: ['all'],
};

it('a person listens to their own sessions', () => {
  expect(streamScope({ page: 'home' }, me, undefined)).toEqual({ of: 'mine' });
  expect(streamScope({ page: 'session', id: 'a' }, me, session({ owner: 'ada' }))).toEqual({ of: 'mine' });
});

it('an administrator listens to all where all are shown', () => {
  expect(streamScope({ page: 'admin', part: 'sessions' }, me, undefined)).toEqual({ of: 'all' });
});

it("an administrator who looks at somebody's session listens to that one", () => {
  const found = streamScope({ page: 'session', id: 'a' }, me, session({ id: 'a', owner: 'bo' }));
  expect(found).toEqual({ of: 'one', id: 'a' });
  expect(streamUrl(found)).toBe('/hub/api/sessions/a/events?watch=true');
});

it('nobody else listens to more than their own', () => {
  const other = { ...me, admin: false };
  expect(streamScope({ page: 'admin', part: 'sessions' }, other, undefined)).toEqual({ of: 'mine' });
  expect(streamScope({ page: 'session', id: 'a' }, other, session({ owner: 'bo' }))).toEqual({ of: 'mine' });
});
