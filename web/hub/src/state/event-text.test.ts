import { expect, it } from 'vitest';
import type { AuditEvent } from './model.ts';
import { hasPage, describeEvent } from './event-text.ts';

const event = (kind: AuditEvent['kind'], data: Record<string, unknown>): AuditEvent => ({
  id: 1,
  session: 'abc',
  at: '2026-11-24T10:00:00Z',
  kind,
  by: null,
  data,
});

it.each([
  [event('created', { environment: 'rspark' }), 'was created from rspark'],
  [event('wanted', { wanted: 'suspended' }), 'was asked to sleep'],
  [
    event('state', { state: 'failed', reason: 'PostgreSQL did not start.' }),
    'failed: PostgreSQL did not start.',
  ],
  [event('part', { part: 'postgres', title: 'PostgreSQL', state: 'ready' }), 'PostgreSQL is ready'],
  [event('state', { state: 'something-new' }), 'something-new'],
  [event('warning', { text: 'Nobody uses it.' }), 'was warned: Nobody uses it.'],
])('%o', (given, text) => {
  expect(describeEvent(given)).toBe(text);
});

it('a session has a page, a shared service has none', () => {
  expect(hasPage('hb8cwkn4eg')).toBe(true);
  expect(hasPage('postgres')).toBe(false);
});
