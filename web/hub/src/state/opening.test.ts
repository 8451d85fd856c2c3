import { expect, it } from 'vitest';
import type { State } from './model.ts';
import { opens, waits, type Waiting } from './opening.ts';

function seen(states: State[], mine = true): boolean {
  let waiting: Waiting = 'no';
  for (const state of states) waiting = waits(waiting, state, mine);
  return opens(waiting, states.at(-1) ?? 'queued');
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
  expect(opens(waits('declined', 'running', true), 'running')).toBe(false);
  expect(waits('declined', 'starting', true)).toBe('declined');
});
