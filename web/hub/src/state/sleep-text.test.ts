import { expect, test } from 'vitest';
import { sleepText } from './sleep-text.ts';

const NOW = new Date(2026, 10, 29, 12, 0).getTime();
const at = new Date(2026, 10, 29, 17, 32).toISOString();

test('it says when, and why it can’t be put off', () => {
  expect(sleepText({ at, why: 'idle', can_extend: true }, NOW)).toBe('Sleeps at 17:32');
  expect(sleepText({ at, why: 'idle', can_extend: false }, NOW)).toBe('Sleeps at 17:32, as late as it may');
  expect(sleepText({ at, why: 'longest', can_extend: false }, NOW, true)).toBe('at 17:32, its longest run');
  const morning = new Date(2026, 10, 30, 0, 55).toISOString();
  expect(sleepText({ at: morning, why: 'idle', can_extend: true }, NOW)).toBe('Sleeps tomorrow 00:55');
});
