import { describe, expect, it } from 'vitest';
import { session } from './examples.ts';
import * as words from './words.ts';

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
  expect(words.bytes(n)).toBe(text);
});

it('memory is said in the units environments are written in', () => {
  expect(words.memoryOf(1.2 * 2 ** 30, 4 * 2 ** 30)).toBe('1.2 of 4 GB');
  expect(words.memoryOf(300 * 2 ** 20, null)).toBe('300 MB');
  expect(words.memoryOf(null, 4 * 2 ** 30)).toBe('–');
});

it.each([
  [20_000, 'just now'],
  [4 * minute, '4 min ago'],
  [5 * hour, '5 h ago'],
  [30 * hour, 'yesterday'],
  [3 * day, '3 days ago'],
])('%i ms before is %s', (ms, text) => {
  expect(words.ago(before(ms), now)).toBe(text);
});

it.each([
  [9_400, '9 s'],
  [9 * minute + 20_000, '9 min'],
  [90 * minute, '1 h 30 min'],
  [2 * hour, '2 h'],
  [50 * hour, '2 d 2 h'],
  [-5, '0 s'],
])('a span of %i ms is %s', (ms, text) => {
  expect(words.span(ms)).toBe(text);
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
  expect(words.ordinal(n)).toBe(text);
});

it('a moment is said as short as it is clear', () => {
  const clock = /\d\d:\d\d$/;
  expect(words.moment(before(minute), now)).toMatch(/^\d\d:\d\d$/);
  expect(words.moment(before(day), now)).toMatch(/^yesterday \d\d:\d\d$/);
  expect(words.moment(before(20 * day), now)).toMatch(clock);
  expect(words.moment(before(20 * day), now)).toContain('Nov');
});

it('durations are said in words', () => {
  expect(words.duration('2h')).toBe('2 hours');
  expect(words.duration('1h30m')).toBe('1 hour 30 minutes');
  expect(words.duration('7d')).toBe('7 days');
});

it('durations are said short', () => {
  expect(words.shortDuration('1h30m')).toBe('1 h 30 min');
});

it('a second one of the same has a name of its own', () => {
  expect(words.freeName('RSpark', [])).toBe('RSpark');
  expect(words.freeName('RSpark', ['RSpark', 'RSpark 3'])).toBe('RSpark 2');
});

it('what is expected is not said more exactly than it is known', () => {
  expect(words.about(3)).toBe('a few seconds');
  expect(words.about(6.2)).toBe('about 6 s');
  expect(words.about(18)).toBe('about 20 s');
  expect(words.about(59)).toBe('about 1 minute');
  expect(words.about(80)).toBe('about 1 minute');
});

describe('while it starts', () => {
  const part = (name: string, title: string, state: 'waiting' | 'starting' | 'ready') => ({
    name,
    title,
    state,
    reason: null,
  });

  it('the parts at work are named', () => {
    const services = [
      part('postgres', 'PostgreSQL', 'starting'),
      part('spark', 'Spark', 'starting'),
      part('interface', 'JupyterLab', 'waiting'),
    ];
    expect(words.happening(session({ state: 'starting', services }))).toBe('Starting PostgreSQL and Spark');
  });

  it('before the first part it says what is done', () => {
    expect(words.happening(session({ state: 'starting', services: [] }))).toBe('Making room for it');
  });

  it('between two parts the next one is named', () => {
    const services = [part('postgres', 'PostgreSQL', 'ready'), part('interface', 'JupyterLab', 'waiting')];
    expect(words.happening(session({ state: 'starting', services }))).toBe('Starting JupyterLab');
  });

  it('when all parts are ready it is almost there', () => {
    const services = [part('interface', 'JupyterLab', 'ready')];
    expect(words.happening(session({ state: 'starting', services }))).toBe('Almost ready');
  });

  it('in the queue it says the place', () => {
    expect(words.happening(session({ state: 'queued', queue_position: 3 }))).toBe('3rd in the queue');
    expect(words.happening(session({ state: 'queued', queue_position: 1 }))).toBe('Next in the queue');
  });
});

describe('what can be done', () => {
  it('a running session sleeps, stops, goes', () => {
    expect(words.changes(session({ state: 'running' }))).toEqual(['suspend', 'stop', 'delete']);
  });

  it('one that is being deleted is left alone', () => {
    expect(words.changes(session({ state: 'stopping', wanted: 'deleted' }))).toEqual([]);
    expect(words.said(session({ state: 'stopping', wanted: 'deleted' })).text).toBe('Being deleted');
  });

  it('the same call has the word of the moment', () => {
    expect(words.changeWord('resume', 'failed')).toBe('Retry');
    expect(words.changeWord('resume', 'suspended')).toBe('Resume');
    expect(words.changeWord('resume', 'stopped')).toBe('Start again');
    expect(words.changeWord('stop', 'queued')).toBe('Cancel');
  });
});

it('lists are read as sentences', () => {
  expect(words.list([])).toBe('');
  expect(words.list(['R'])).toBe('R');
  expect(words.list(['R', 'Python', 'bash'])).toBe('R, Python and bash');
});

it('parts that are expected keep their places until the hub knows them', () => {
  expect(
    words.expectedParts(['postgres', 'spark'], 'jupyterlab').map(({ name, title }) => [name, title]),
  ).toEqual([
    ['postgres', 'PostgreSQL'],
    ['interface', 'JupyterLab'],
  ]);
});
