import { describe, expect, it } from 'vitest';
import { parse, path, safeNext } from './route.ts';

it.each([
  ['/hub/', { page: 'home' }],
  ['/hub', { page: 'home' }],
  ['/hub/sessions/kq4wz7m2xb', { page: 'session', id: 'kq4wz7m2xb' }],
  ['/hub/sessions/kq4wz7m2xb/', { page: 'session', id: 'kq4wz7m2xb' }],
  ['/hub/sessions', { page: 'home' }],
  ['/hub/account', { page: 'account' }],
  ['/hub/start', { page: 'start' }],
  ['/hub/start/x', { page: 'unknown' }],
  ['/hub/admin', { page: 'admin', part: 'sessions' }],
  ['/hub/admin/people', { page: 'admin', part: 'people' }],
  ['/hub/groups/stat101', { page: 'group', name: 'stat101' }],
  ['/hub/gallery', { page: 'gallery' }],
  ['/hub/admin/nothing', { page: 'unknown' }],
  ['/hub/sessions/A%20b', { page: 'unknown' }],
  ['/hub/sessions/a/b/c', { page: 'unknown' }],
])('%s', (address, route) => {
  expect(parse(address)).toEqual(route);
});

it('a path leads back to its route, with what is asked', () => {
  expect(parse(path({ page: 'session', id: 'abc' }))).toEqual({ page: 'session', id: 'abc' });
  expect(path({ page: 'admin', part: 'sessions' }, { state: 'failed', owner: '' })).toBe(
    '/hub/admin/sessions?state=failed',
  );
});

describe('after sign-in', () => {
  const origin = 'http://lab.example:8000';

  it.each([
    ['/s/abc/lab?x=1#y', '/s/abc/lab?x=1#y'],
    ['/hub/sessions/abc', '/hub/sessions/abc'],
    ['http://abc.lab.example:8000/lab', 'http://abc.lab.example:8000/lab'],
  ])('%s is a place to go', (next, place) => {
    expect(safeNext(next, origin)).toBe(place);
  });

  it.each([
    null,
    '',
    '//evil.example/hub/',
    'https://evil.example/s/abc/',
    'http://evillab.example:8000/',
    'javascript:alert(1)',
    '/etc/passwd',
    '\\\\evil.example/hub/',
    'http://[',
  ])('%s is not', (next) => {
    expect(safeNext(next, origin)).toBeNull();
  });
});
