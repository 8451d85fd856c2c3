import { expect, it } from 'vitest';
import * as format from './format.ts';

const now = Date.parse('2026-11-24T10:00:00Z');
const before = (ms: number): string => new Date(now - ms).toISOString();
const [minute, hour, day] = [60_000, 3_600_000, 86_400_000];

it.each([
  [0, '0 B'],
  [999, '999 B'],
  [12_000_000, '12 MB'],
  [1_200_000_000, '1.2 GB'],
  [999_999, '1.0 MB'],
])('%i bytes are %s', (n, text) => {
  expect(format.bytes(n)).toBe(text);
});

it('memory is said in the units environments are written in', () => {
  expect(format.memoryOf(1.2 * 2 ** 30, 4 * 2 ** 30)).toBe('1.2 of 4 GB');
  expect(format.memoryOf(300 * 2 ** 20, null)).toBe('300 MB');
  expect(format.memoryOf(null, 4 * 2 ** 30)).toBe('–');
});

it.each([
  [20_000, 'just now'],
  [4 * minute, '4 min ago'],
  [5 * hour, '5 h ago'],
  [30 * hour, 'yesterday'],
  [3 * day, '3 days ago'],
])('%i ms before is %s', (ms, text) => {
  expect(format.ago(before(ms), now)).toBe(text);
});

it.each([
  [9_400, '9 s'],
  [9 * minute + 20_000, '9 min'],
  [90 * minute, '1 h 30 min'],
  [2 * hour, '2 h'],
  [50 * hour, '2 d 2 h'],
  [-5, '0 s'],
])('a span of %i ms is %s', (ms, text) => {
  expect(format.span(ms)).toBe(text);
});

it.each([
  [1, '1st'],
  [2, '2nd'],
  [3, '3rd'],
  [4, '4th'],
  [11, '11th'],
  [13, '13th'],
  [21, '21st'],
  [112, '112th'],
])('%i is %s', (n, text) => {
  expect(format.ordinal(n)).toBe(text);
});

it('a field of a form has a time to the minute, where the browser is', () => {
  expect(new Date(format.inField('2026-12-05T22:59:59.5Z')).getTime()).toBe(
    Date.parse('2026-12-05T22:59:00Z'),
  );
  expect(format.inField(null)).toBe('');
});

it('a moment is said as short as it is clear', () => {
  const clock = /\d\d:\d\d$/;
  expect(format.moment(before(minute), now)).toMatch(/^\d\d:\d\d$/);
  expect(format.moment(before(day), now)).toMatch(/^yesterday \d\d:\d\d$/);
  expect(format.moment(before(20 * day), now)).toMatch(clock);
  expect(format.moment(before(20 * day), now)).toContain('Nov');
});

it('durations are said in words', () => {
  expect(format.duration('2h')).toBe('2 hours');
  expect(format.duration('1h30m')).toBe('1 hour 30 minutes');
  expect(format.duration('7d')).toBe('7 days');
});

it('durations are said short', () => {
  expect(format.shortDuration('1h30m')).toBe('1 h 30 min');
});

it('a second one of the same has a name of its own', () => {
  expect(format.freeName('RSpark', [])).toBe('RSpark');
  expect(format.freeName('RSpark', ['RSpark', 'RSpark 3'])).toBe('RSpark 2');
});

it('what is expected is not said more exactly than it is known', () => {
  expect(format.about(3)).toBe('a few seconds');
  expect(format.about(6.2)).toBe('about 6 s');
  expect(format.about(18)).toBe('about 20 s');
  expect(format.about(59)).toBe('about 1 minute');
  expect(format.about(80)).toBe('about 1 minute');
});

it('lists are read as sentences', () => {
  expect(format.list([])).toBe('');
  expect(format.list(['R'])).toBe('R');
  expect(format.list(['R', 'Python', 'bash'])).toBe('R, Python and bash');
});
