import { Problem } from '@rsparkhub/hub/state/api.ts';
import type { Session } from '@rsparkhub/hub/state/model.ts';
import { expect, test } from 'vitest';
import { mayRun, whyAway } from './situation.ts';

const NOW = new Date(2026, 10, 29, 18, 0).getTime();
const AT = new Date(2026, 10, 29, 17, 32).toISOString();

function session(fields: Partial<Session>): Session {
  const found: Partial<Session> = {
    state: 'running',
    wanted: 'running',
    reason: null,
    ended: null,
    last_exit: null,
    queue_position: null,
    services: [],
    may: ['read', 'view', 'open', 'read-log', 'run'],
    ...fields,
  };
  return found as Session;
}

const away = (fields: Partial<Session>) => whyAway(session(fields), null, NOW);

test('a session that runs, or of which nothing is known, is not away', () => {
  expect(away({})).toBeNull();
  expect(whyAway(null, null, NOW)).toBeNull();
});

test('a hub that does not answer says nothing about the session', () => {
  expect(whyAway(session({}), new Problem('No answer.', 0, 'unreachable'), NOW)).toBeNull();
  expect(whyAway(session({}), new Problem('Not found.', 404, 'unknown'), NOW)).toBeNull();
});

test('one that sleeps says since when, that the work is kept, and can be resumed', () => {
  const asleep = away({
    state: 'suspended',
    wanted: 'suspended',
    reason: 'Nobody used it for 2 hours.',
    last_exit: { code: 0, ended: [], saved: null, at: AT },
  });
  expect(asleep?.title).toBe('Asleep since 17:32');
  expect(asleep?.text).toContain('Nobody used it for 2 hours. Your work is kept.');
  expect(asleep).toMatchObject({ resume: 'Resume', waiting: false, signIn: false });
});

test('one that was stopped does not say that variables were kept', () => {
  const stopped = away({ state: 'stopped', wanted: 'stopped', ended: AT });
  expect(stopped?.title).toBe('Stopped since 17:32');
  expect(stopped?.text).toContain('Variables were not saved.');
  expect(stopped?.resume).toBe('Start again');
});

test('one that failed says which part, and why', () => {
  const services: Session['services'] = [
    { name: 'interface', title: 'JupyterLab', state: 'failed', reason: null },
  ];
  const failed = away({ state: 'failed', reason: 'The disk is full.', services });
  expect(failed?.title).toBe('JupyterLab failed');
  expect(failed?.text).toContain('The disk is full.');
  expect(failed?.resume).toBe('Retry');
});

test.each([
  [{ wanted: 'suspended' }, 'Going to sleep'],
  [{ state: 'suspending', wanted: 'suspended' }, 'Going to sleep'],
  [{ wanted: 'stopped' }, 'Stopping'],
  [{ state: 'suspended', wanted: 'running' }, 'Waking up'],
  [{ state: 'resuming' }, 'Waking up'],
  [{ state: 'queued' }, 'Waking up'],
] satisfies [Partial<Session>, string][])('what is under way is waited for: %o', (fields, title) => {
  expect(away(fields)).toMatchObject({ title, waiting: true, resume: null });
});

test('who is signed out is led to sign in', () => {
  const out = whyAway(session({}), new Problem('Sign in.', 401, 'not-signed-in'), NOW);
  expect(out).toMatchObject({ title: 'You are signed out', signIn: true, resume: null });
});

test('a session that was deleted has no way back', () => {
  const gone = whyAway(session({}), new Problem('There is none.', 404, 'not-found'), NOW);
  expect(gone).toMatchObject({ title: 'This session is gone', resume: null, waiting: false });
  expect(away({ wanted: 'deleted' })?.resume).toBeNull();
});

test('who only looks is told why it is away, and finds no button that would be refused', () => {
  const may: Session['may'] = ['read', 'view'];
  const asleep = away({ state: 'suspended', wanted: 'suspended', may });
  expect(asleep?.title).toBe('Asleep');
  expect(asleep?.resume).toBeNull();
  expect(away({ state: 'failed', may })?.resume).toBeNull();
  expect([mayRun(session({ may })), mayRun(session({})), mayRun(null)]).toEqual([false, true, false]);
});
