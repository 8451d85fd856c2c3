import { expect, test, vi } from 'vitest';

/** A page that is hidden, before anything looks at it, as a tab is that was opened in the background. */
const page = Object.assign(new EventTarget(), { hidden: true, visibilityState: 'hidden' });
vi.stubGlobal('document', page);
const { FollowedSession } = await import('./followed-session.ts');

test('a hidden page looks when it is asked to, each time, and knows that the session sleeps', async () => {
  const asked = vi.fn(() => Promise.resolve(Response.json(asleep)));
  vi.stubGlobal('fetch', asked);
  const session = new FollowedSession('kq4');
  for (const times of [1, 2, 3]) {
    await session.refresh();
    expect(asked.mock.calls.length).toBeGreaterThanOrEqual(times);
    expect(session.away?.title).toBe('Asleep');
  }
});

const asleep = {
  state: 'suspended',
  wanted: 'suspended',
  reason: null,
  ended: null,
  last_exit: null,
  services: [],
  may: ['read', 'view'],
};
