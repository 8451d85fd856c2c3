import { expect, it } from 'vitest';
import { session } from './examples.ts';
import { announcementFor } from './announcement.ts';

it('a change of state is announced', () => {
  expect(announcementFor(session({ state: 'starting' }), session({ state: 'running' }))).toBe(
    'RSpark is ready.',
  );
});

it('a failure is announced with its reason', () => {
  const after = session({ state: 'failed', reason: 'PostgreSQL did not start.' });
  expect(announcementFor(session({ state: 'starting' }), after)).toBe(
    'RSpark failed. PostgreSQL did not start.',
  );
});

it('what a page shows when it comes, and numbers that move, are not', () => {
  expect(announcementFor(undefined, session())).toBeNull();
  expect(announcementFor(session({ cpu: 0.1 }), session({ cpu: 1.9 }))).toBeNull();
});
