import { expect, it } from 'vitest';
import type { State } from './model.ts';
import { shouldOpen, nextWaiting, type Waiting } from './auto-open.ts';

function seen(states: State[], mine = true): boolean {
  let waiting: Waiting = 'no';
  for (const state of states) waiting = nextWaiting(waiting, state, mine);
  return shouldOpen(waiting, states.at(-1) ?? 'queued');
}

it('a session that was waited for opens', () => {
  expect(seen(['queued', 'starting', 'running'])).toBe(true);
  expect(seen(['suspended', 'resuming', 'running'])).toBe(true);
});

it('a session that already ran does not', () => {
  expect(seen(['running'])).toBe(false);
});

it("somebody else's session does not", () => {
  expect(seen(['starting', 'running'], false)).toBe(false);
});

it('a failure ends the waiting, a retry begins it again', () => {
  expect(seen(['starting', 'failed'])).toBe(false);
  expect(seen(['starting', 'failed', 'queued', 'starting', 'running'])).toBe(true);
});

it('who stays, stays', () => {
  expect(shouldOpen(nextWaiting('declined', 'running', true), 'running')).toBe(false);
  expect(nextWaiting('declined', 'starting', true)).toBe('declined');
});
