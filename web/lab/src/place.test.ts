import { expect, test } from 'vitest';
import { placeOf } from './place.ts';

test('a session with a host of its own has its hub behind the first dot', () => {
  expect(placeOf('http://kq4.localhost:8000/s/kq4/')).toEqual({
    session: 'kq4',
    root: 'http://kq4.localhost:8000/s/kq4/',
    hub: 'http://localhost:8000/hub/',
  });
});

test('a session under the hub’s own name has its hub there', () => {
  expect(placeOf('https://hub.example.org/s/kq4/')?.hub).toBe('https://hub.example.org/hub/');
});

test('an interface beside the first is of the same session', () => {
  const place = placeOf('https://kq4.example.org/s/kq4/interfaces/lab/');
  expect(place).toEqual({
    session: 'kq4',
    root: 'https://kq4.example.org/s/kq4/',
    hub: 'https://example.org/hub/',
  });
});

test('a Jupyter server of no session has no place', () => {
  expect(placeOf('http://localhost:8888/')).toBeNull();
});
