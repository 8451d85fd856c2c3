import { expect, it } from 'vitest';
import type { Change } from './api.ts';
import { session } from './examples.ts';
import type { Me, SharedSession } from './model.ts';
import { mayChange, roleOf } from './role.ts';

const me: Me = {
  name: 'ada',
  admin: false,
  groups: [],
  limits: { sessions: 5 },
  version: '0.1.0',
  images: false,
  has_password: true,
  courses: [],
  scopes: ['all'],
};
const bobs = session({ id: 'a', owner: 'bob' });
const shared: SharedSession[] = [{ session: bobs, role: 'editor', expires: null }];

it('an owner and an administrator are owners', () => {
  expect(roleOf(session({ owner: 'ada' }), me, null)).toBe('owner');
  expect(roleOf(bobs, { ...me, admin: true }, null)).toBe('owner');
});

it('with whom it is shared is what the share says, and a viewer until that is known', () => {
  expect(roleOf(bobs, me, shared)).toBe('editor');
  expect(roleOf(bobs, me, null)).toBe('viewer');
});

it('a viewer changes nothing, and an editor does not end it', () => {
  const changes: Change[] = ['suspend', 'resume', 'stop', 'delete'];
  expect(changes.filter((change) => mayChange('viewer', change))).toEqual([]);
  expect(changes.filter((change) => mayChange('editor', change))).toEqual(['suspend', 'resume']);
  expect(changes.filter((change) => mayChange('owner', change))).toEqual(changes);
});
